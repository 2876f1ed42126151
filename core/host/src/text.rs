//! Texts of plugins, which end on a terminal.

use codebench_api::{PluginError, PluginInfo};
use codebench_model::{Domain, ParameterValue};

/// What a terminal acts on: control characters, and those that turn the direction of what stands around them.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

/// `text` with what stands for each control character in Rust, such as `\u{1b}`, but for line ends and tabs.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match is_control(c) && !matches!(c, '\n' | '\t') {
            true => printable.extend(c.escape_debug()),
            false => printable.push(c),
        }
    }
    printable
}

/// Refuses a text that holds control characters, or with `lines` those that are no line ends or tabs.
fn check(whose: &str, text: &str, lines: bool) -> Result<(), String> {
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
    names.into_iter().try_for_each(|name| check(&whose, name, false)).map_err(PluginError::contract)
}

/// Refuses a description of which any text holds control characters; the texts of examples may have line ends and tabs.
///
/// # Errors
/// Which text of which plugin it is.
pub(crate) fn check_description(info: &PluginInfo) -> Result<(), String> {
    check("the id of its plugin", &info.id, false)?;
    let of = |what: &str| format!("the {what} of its plugin `{}`", info.id);
    let line = |what: &str, text: &str| check(&of(what), text, false);
    line("version", &info.version)?;
    line("summary", &info.summary)?;
    info.keywords.iter().try_for_each(|keyword| line("keyword", keyword))?;
    info.metrics.iter().try_for_each(|metric| line("metric", metric))?;
    for parameter in &info.parameters {
        let texts = [
            ("parameter name", Some(parameter.name.as_str())),
            ("parameter help", Some(parameter.help.as_str())),
            ("parameter unit", parameter.unit.as_deref()),
            ("parameter default", parameter.default.as_ref().and_then(ParameterValue::as_str)),
        ];
        texts.iter().try_for_each(|(what, text)| line(what, text.unwrap_or_default()))?;
        if let Domain::Choice { values } = &parameter.domain {
            values.iter().try_for_each(|value| line("parameter choice", value))?;
        }
    }
    for example in &info.examples {
        line("example title", &example.title)?;
        check(&of("example"), &example.text, true)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_model::ParameterDescription;

    #[test]
    fn controls_are_spelt_out_but_for_lines() {
        assert_eq!(printable("a\n\tb\u{1b}[2Jc\u{202e}d\0"), "a\n\tb\\u{1b}[2Jc\\u{202e}d\\0");
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
