//! The page of the book on the contract lists the checks of the program.
#![allow(clippy::unwrap_used)]

use codebench_api::Kind;
use codebench_conformance::checks;

const BEGIN: &str = "<!-- begin -->\n";
const END: &str = "<!-- end -->";

fn tables() -> String {
    // Checks of every kind stand first in every list.
    let lists: Vec<_> = Kind::ALL.into_iter().map(|kind| (kind, checks(kind))).collect();
    let is_common = |name: &str| lists.iter().all(|(_, list)| list.iter().any(|c| c.name == name));
    let common = lists[0].1.iter().filter(|c| is_common(c.name));
    let mut text = String::from("\n### Every kind\n\n| check | promise |\n|---|---|\n");
    for check in common {
        text += &format!("| `{}` | {} |\n", check.name, check.promise);
    }
    for (kind, list) in &lists {
        text += &format!("\n### `{kind}`\n\n| check | promise |\n|---|---|\n");
        for check in list.iter().filter(|c| !is_common(c.name)) {
            text += &format!("| `{}` | {} |\n", check.name, check.promise);
        }
    }
    text + "\n"
}

#[test]
fn the_page_lists_the_checks() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/contract.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let expected = format!("{head}{BEGIN}{}{END}{tail}", tables());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &expected).unwrap();
        return;
    }
    assert!(
        page == expected,
        "BLESS=1 cargo test -p codebench-conformance writes the tables of docs/src/contract.md"
    );
}
