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
const MESSAGE_BYTES: usize = 4_000;

/// A message of a plugin, fit for a terminal and a record: one line, and not longer than some thousand bytes.
pub(crate) fn message(text: &str) -> String {
    let end = (0..=MESSAGE_BYTES.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let mut message = printable(&text[..end]);
    if end < text.len() {
        message.push_str(" ...");
    }
    message
}

/// Bytes of a name, of a line and of a text of several lines, at most.
const NAME_BYTES: usize = 256;
const LINE_BYTES: usize = 4096;
const TEXT_BYTES: usize = 64 << 10;

/// Refuses a text that is longer than `most` bytes, or holds control characters; one of [`TEXT_BYTES`] may have line ends and tabs.
fn check(whose: &str, text: &str, most: usize) -> Result<(), String> {
    if text.len() > most {
        return Err(format!("{whose} has {} bytes: at most {most}, so shorten it", text.len()));
    }
    let lines = most == TEXT_BYTES;
    match text.chars().find(|c| is_control(*c) && !(lines && matches!(c, '\n' | '\t'))) {
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
/// [`ErrorKind::Contract`](codebench_api::ErrorKind::Contract), with the control character that is in one.
pub(crate) fn check_names<'n>(
    what: &str,
    names: impl IntoIterator<Item = &'n String>,
) -> Result<(), PluginError> {
    let whose = format!("the name of its {what}");
    let check = |name: &String| match name.is_empty() {
        true => Err(format!("{whose} is empty: give it one")),
        false => check(&whose, name, NAME_BYTES),
    };
    names.into_iter().try_for_each(check).map_err(PluginError::contract)
}

/// Refuses a description of which any text is too long or holds control characters; the texts of examples may have line ends and tabs.
///
/// # Errors
/// Which text of which plugin it is.
pub(crate) fn check_description(info: &PluginInfo) -> Result<(), String> {
    check("the id of its plugin", &info.id, NAME_BYTES)?;
    let of = |what: &str| format!("the {what} of its plugin `{}`", info.id);
    let name = |what: &str, text: &str| check(&of(what), text, NAME_BYTES);
    let line = |what: &str, text: &str| check(&of(what), text, LINE_BYTES);
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
        check(&of("example"), &example.text, TEXT_BYTES)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_model::ParameterDescription;

    #[test]
    fn controls_are_spelt_out_but_for_lines() {
        assert_eq!(printable("a\n\tb\u{1b}[2Jc\u{202e}d\0"), "a\\n\\tb\\u{1b}[2Jc\\u{202e}d\\0");
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
