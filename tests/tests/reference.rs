//! The pages of the book that say what the program says: the help of every command, and every plugin. They are golden
//! files: `BLESS=1` writes them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_tests::{answer, assert_file, command};
use std::path::Path;

/// Every command with its help, in the order in which help lists them.
fn helps(path: &[String], text: &mut String) {
    let mut help = command!();
    let output = answer(help.args(path).arg("--help"));
    assert_eq!(output.status, Some(0), "{path:?}: {}", output.stderr);
    assert!(output.stderr.is_empty(), "{path:?}: {}", output.stderr);
    let has_commands = output.stdout.contains("\nCommands:\n");
    let title = ["codebench".to_owned()].iter().chain(path).cloned().collect::<Vec<_>>().join(" ");
    if !has_commands {
        assert!(output.stdout.contains("Examples:"), "the help of `{title}` has no examples");
    }
    text.push_str(&format!("\n## `{title}`\n\n```text\n{}\n```\n", output.stdout.trim_end()));
    let commands =
        output.stdout.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
    for line in commands {
        let name = line.split_whitespace().next().unwrap();
        if line.starts_with("  ") && !line.starts_with("   ") && name != "help" {
            helps(&[path, &[name.to_owned()]].concat(), text);
        }
    }
}

#[test]
fn the_page_of_the_command_is_its_help() {
    let mut text = String::from("# The command\n\nWhat `--help` says of every command.\n");
    helps(&[], &mut text);
    assert_file(Path::new("docs/src/reference/command.md"), &text);
}

#[test]
fn the_page_of_the_plugins_is_what_plugin_info_says() {
    let output = answer(&mut command!("plugin", "info", "--markdown"));
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let head = "# Plugins\n\nEvery built-in plugin, as `codebench plugin info --markdown` describes it.\n\n";
    assert_file(Path::new("docs/src/reference/plugins.md"), &format!("{head}{}\n", output.stdout.trim_end()));
}

#[test]
fn the_contents_of_the_book_are_all_there() {
    let source = codebench_tests::root().join("docs/src");
    let summary = std::fs::read_to_string(source.join("SUMMARY.md")).unwrap();
    let mut pages = 0;
    for link in summary.split("](").skip(1) {
        let page = link.split(')').next().unwrap();
        assert!(source.join(page).is_file(), "SUMMARY.md names {page}, which is not there");
        pages += 1;
    }
    assert!(pages >= 5, "only {pages} pages");
}
