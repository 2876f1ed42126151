//! Spaces over accelerators of the user's own, from the command line.

#![allow(clippy::unwrap_used)]

use codebench_tests::{answer, command};

/// An accelerator whose memory is a choice between plugins.
const CHOICE: &str = include_str!("accelerators/choice.toml");

/// Mistakes in `[space.accelerator]` with a file are found before anything runs, at their place.
#[test]
fn mistakes_in_an_accelerator_of_the_space_are_located() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
    let good = CHOICE.replace("example/hbm3", "codebench/rram");
    let refused = |accelerator: &str, space: &str| {
        write("accelerator.toml", accelerator);
        write("space.toml", &format!("[accelerator]\nfile = \"accelerator.toml\"\n{space}\n"));
        let answer = answer(&mut command!("space", "count", &path("space.toml")));
        assert_eq!(answer.status, Some(2), "{}", answer.stdout);
        answer.stderr
    };
    for (accelerator, space, said) in [
        (good.clone(), "pfo = [1, 2]", "unknown key `pfo` (did you mean `pof`?); known: memory, pof"),
        (good.clone(), "pof = [1, 0]", "space.toml:3:7"),
        (good.clone(), "pof = [\"a\", \"b\"]", "space.toml:3"),
        (good.clone(), "pof = []", "the list is empty"),
        (good.clone(), "memory = [\"codebench/rrm\"]", "did you mean `codebench/rram`?"),
        (good.clone(), "memory = [\"codebench/dma\"]", "role memory needs kind memory"),
        (good.replace("\"$pof\"", "\"$pofx\""), "pof = [1]", "`$pofx` is no parameter of the accelerator"),
        (good.replace("codebench/mac-lanes", "codebench/mac-lane"), "pof = [1]", "accelerator.toml:"),
        (good.replace("clock_mhz = 700", "clock_mhz = 700\nclok = 1"), "pof = [1]", "accelerator.toml:5:1"),
        (good.replace("size_mb = 1", "size_mb = -1"), "pof = [1]", "accelerator.toml:"),
    ] {
        let message = refused(&accelerator, space);
        assert!(message.contains(said), "`{said}` is missing in\n{message}");
    }
    write("accelerator.toml", &good);
    write("space.toml", "[accelerator]\nfile = \"accelerator.toml\"\npof = { min = 1, max = 8 }\n");
    let counted = answer(&mut command!("space", "count", &path("space.toml")));
    assert!(counted.stdout.contains('8'), "{}{}", counted.stdout, counted.stderr);
}
