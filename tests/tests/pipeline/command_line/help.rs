//! The help: every command has it, and it leaves nothing out.

use e2e::program;

use super::told;

/// The help of a command, and of all below it; counts those with none below.
fn walk(command: &[String], leaves: &mut Vec<String>) {
    let shown = command.join(" ");
    let output = program::liaison(command.iter().map(String::as_str).chain(["--help"]));
    assert!(output.status.success(), "{shown}: {}", told(&output));
    let help = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = help.lines().collect();
    let is_option = |line: &str| line.trim_start().starts_with('-');
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| is_option(line)) {
        // Beside it, after two blanks, or on the next line, further in.
        let beside = line.trim_start().contains("  ");
        let indent = |line: &str| line.len() - line.trim_start().len();
        let below = lines.get(at + 1).is_some_and(|next| {
            !next.trim().is_empty() && !is_option(next) && indent(next) > indent(line)
        });
        assert!(
            beside || below,
            "{shown}: {line} is not described in\n{help}"
        );
    }
    let subcommands: Vec<&str> = lines
        .iter()
        .skip_while(|line| **line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // A description may go on in a line of its own, further in.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    if subcommands.is_empty() {
        leaves.push(shown);
        return;
    }
    for name in subcommands {
        let mut below = command.to_vec();
        below.push(name.to_owned());
        walk(&below, leaves);
    }
}

#[test]
fn every_command_has_help_that_describes_every_option() {
    let mut leaves = Vec::new();
    walk(&[], &mut leaves);
    for known in [
        "up",
        "demo",
        "submit",
        "referral watch",
        "policy check",
        "policy explain",
        "policy rules",
        "policy simulate",
        "review decide",
        "triage correct",
        "triage decide",
        "triage drift",
        "triage export",
        "triage recompute",
        "triage show",
        "pull",
        "assignment extend",
        "task complete",
        "classify",
        "certs issue",
        "migrate",
    ] {
        assert!(
            leaves.iter().any(|leaf| leaf == known),
            "{known} in {leaves:?}"
        );
    }
}

#[test]
fn help_lists_the_values_that_are_taken() {
    for (command, value) in [
        (["assignment", "complete"], "VICTIM_IDENTIFIED"),
        (["assignment", "decline"], "WRONG_UNIT"),
        (["assignment", "list"], "ACCEPTED"),
        (["referral", "list"], "UNDER_REVIEW"),
        (["review", "decide"], "ARTICLE_3"),
        (["triage", "export"], "WRONG_UNIT"),
    ] {
        let output = program::liaison(command.into_iter().chain(["--help"]));
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains(value), "{command:?}: {value} in {help}");
    }
    for (command, example) in [
        (["assignment", "get"], "assignments/0198"),
        (["task", "list"], "assignments/0198"),
        (["task", "claim"], "tasks/0198"),
        (["referral", "get"], "referrals/0198"),
        (["triage", "show"], "triageItems/0198"),
        (["triage", "correct"], "classifications/0198"),
    ] {
        let output = program::liaison(command.into_iter().chain(["--help"]));
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains(example), "{command:?}: {example} in {help}");
    }
}
