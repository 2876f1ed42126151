//! What users and plugins have written, on its way to a terminal.

/// Characters of a line, of which the first and the last ones are shown.
const SHOWN: [usize; 2] = [1500, 400];

/// The text fit for a terminal: control characters are spelt out, and of very long lines the middle is left out.
pub(crate) fn readable(text: &str) -> String {
    let line = |line: &str| -> String {
        let length = line.chars().count();
        let spelt = |c: char| match c.is_control() && c != '\t' {
            true => c.escape_unicode().to_string(),
            false => c.to_string(),
        };
        if length <= SHOWN.iter().sum() {
            return line.chars().map(spelt).collect();
        }
        let first: String = line.chars().take(SHOWN[0]).map(spelt).collect();
        let last: String = line.chars().skip(length - SHOWN[1]).map(spelt).collect();
        format!("{first} ... ({} characters) ... {last}", length - SHOWN.iter().sum::<usize>())
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}
