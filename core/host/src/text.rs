//! Texts of plugins, which end on a terminal.

use codebench_api::{PluginError, PluginInfo};
use codebench_model::{Domain, ParameterValue};

/// What a terminal acts on: control characters, and those that turn the direction of what stands around them.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

/// `text` with what stands for each control character in Rust, such as `\u{1b}` or `\n`: one line, which nobody takes for several.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match is_control(c) {
            true => printable.extend(c.escape_debug()),
            false => printable.push(c),
        }
    }
    printable
}

/// Bytes of a message, at most.
pub(crate) const MESSAGE_BYTES: usize = 4_000;

/// The longest start of `text` of at most `bytes` bytes.
pub(crate) fn start(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    &text[..end]
}

/// A message of a plugin, fit for a terminal and a record: one line, and not longer than some thousand bytes.
pub(crate) fn message(text: &str) -> String {
    let start = start(text, MESSAGE_BYTES);
    printable(start) + if start.len() < text.len() { " ..." } else { "" }
}

/// What a text of a description is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Name,
    Line,
    /// Line ends and tabs may stand in it.
    Lines,
}

impl Extent {
    /// Bytes, at most.
    fn most(self) -> usize {
        match self {
            Extent::Name => 256,
            Extent::Line => 4096,
            Extent::Lines => 64 << 10,
        }
    }

    fn allows(self, c: char) -> bool {
        !is_control(c) || (self == Extent::Lines && matches!(c, '\n' | '\t'))
    }
}

/// Refuses a text that is too long or holds control characters.
fn check(whose: &str, text: &str, extent: Extent) -> Result<(), String> {
    let most = extent.most();
    if text.len() > most {
        return Err(format!("{whose} has {} bytes: at most {most}, so shorten it", text.len()));
    }
    match text.chars().find(|c| !extent.allows(*c)) {
        None => Ok(()),
        Some(c) => Err(format!(
            "{whose} holds the control character U+{:04X}, which a terminal would act on: leave it out",
            u32::from(c)
        )),
    }
}

/// Names that a plugin gives to `what`, such as events or metrics.
///
/// # Errors
/// [`ErrorKind::Contract`](codebench_api::ErrorKind::Contract), with what is wrong with one: empty, too long, a control character.
pub(crate) fn check_names<'n>(
    what: &str,
    names: impl IntoIterator<Item = &'n String>,
) -> Result<(), PluginError> {
    let whose = format!("the name of its {what}");
    let check = |name: &String| match name.is_empty() {
        true => Err(format!("{whose} is empty: give it one")),
        false => check(&whose, name, Extent::Name),
    };
    names.into_iter().try_for_each(check).map_err(PluginError::contract)
}

/// Refuses a description of which any text is too long or holds control characters; the texts of examples may have line ends and tabs.
///
/// # Errors
/// Which text of which plugin it is.
pub(crate) fn check_description(info: &PluginInfo) -> Result<(), String> {
    check("the id of its plugin", &info.id, Extent::Name)?;
    let of = |what: &str| format!("the {what} of its plugin `{}`", info.id);
    let name = |what: &str, text: &str| check(&of(what), text, Extent::Name);
    let line = |what: &str, text: &str| check(&of(what), text, Extent::Line);
    name("version", &info.version)?;
    line("summary", &info.summary)?;
    info.keywords.iter().try_for_each(|keyword| name("keyword", keyword))?;
    info.metrics.iter().try_for_each(|metric| name("metric", metric))?;
    for parameter in &info.parameters {
        name("parameter name", &parameter.name)?;
        line("parameter help", &parameter.help)?;
        name("parameter unit", parameter.unit.as_deref().unwrap_or_default())?;
        let default = parameter.default.as_ref().and_then(ParameterValue::as_str);
        line("parameter default", default.unwrap_or_default())?;
        if let Domain::Choice { values } = &parameter.domain {
            values.iter().try_for_each(|value| name("parameter choice", value))?;
        }
    }
    for example in &info.examples {
        line("example title", &example.title)?;
        check(&of("example"), &example.text, Extent::Lines)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_model::ParameterDescription;

    #[test]
    fn controls_and_line_ends_are_spelt_out() {
        assert_eq!(printable("a\n\tb\u{1b}[2Jc\u{202e}d\0"), "a\\n\\tb\\u{1b}[2Jc\\u{202e}d\\0");
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        assert_eq!(message(&"x".repeat(MESSAGE_BYTES)), "x".repeat(MESSAGE_BYTES));
        let long = "x".repeat(MESSAGE_BYTES - 1) + "\u{e4}\nforged";
        assert_eq!(message(&long), "x".repeat(MESSAGE_BYTES - 1) + " ...");
    }

    #[test]
    fn texts_have_bounds_by_what_they_are() {
        let described = |id: usize, summary: usize, example: usize| {
            let info =
                PluginInfo::new(&format!("acme/{}", "x".repeat(id - 5)), "0.1.0", &"s".repeat(summary));
            check_description(&info.example("Use", &"e".repeat(example)))
        };
        assert_eq!(described(256, 4096, 65_536), Ok(()));
        for (texts, said) in [
            ((257, 9, 9), "the id of its plugin has 257 bytes: at most 256, so shorten it"),
            (
                (9, 4097, 9),
                "the summary of its plugin `acme/xxxx` has 4097 bytes: at most 4096, so shorten it",
            ),
            (
                (9, 9, 65_537),
                "the example of its plugin `acme/xxxx` has 65537 bytes: at most 65536, so shorten it",
            ),
        ] {
            assert_eq!(described(texts.0, texts.1, texts.2), Err(said.to_owned()));
        }
        let names = |name: &str| check_names("event", [&name.to_owned()]).map_err(|e| e.message);
        assert_eq!(names("a"), Ok(()));
        assert_eq!(names(""), Err("the name of its event is empty: give it one".into()));
    }

    #[test]
    fn a_description_with_controls_is_refused_by_name() {
        let info = PluginInfo::new("acme/x", "0.1.0", "Good.").example("two\u{9b}lines", "a\n\tb");
        assert_eq!(
            check_description(&info),
            Err("the example title of its plugin `acme/x` holds the control character U+009B, which a terminal would act \
                 on: leave it out"
                .into())
        );
        let help = ParameterDescription::text("a", "", "Help\u{7}.");
        let described = |info: PluginInfo| check_description(&info).err().unwrap_or_default();
        let said = described(PluginInfo::new("acme/x", "0.1.0", "Good.").parameters(vec![help]));
        assert!(
            said.starts_with("the parameter help of its plugin `acme/x` holds the control character U+0007"),
            "{said}"
        );
        assert!(
            described(PluginInfo::new("acme/\u{1b}", "0.1.0", "Good."))
                .starts_with("the id of its plugin holds")
        );
        assert_eq!(described(PluginInfo::new("acme/x", "0.1.0", "Good.").example("lines", "a\n\tb")), "");
    }

    #[test]
    fn names_with_controls_break_the_contract() {
        let said =
            check_names("metric", [&"a\rb".to_owned()]).map_err(|e| e.message).err().unwrap_or_default();
        assert!(said.starts_with("the name of its metric holds the control character U+000D"), "{said}");
    }
}
