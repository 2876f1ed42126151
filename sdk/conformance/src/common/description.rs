use crate::check::{Verdict, ensure, failed, warning};
use crate::subject::Subject;
use codebench_api::Kind;
use codebench_model::{Domain, ParameterDescription};
use codebench_space::Rng;
use std::collections::BTreeSet;

pub(super) fn check(subject: &Subject<'_>, _: &mut Rng) -> Verdict {
    let (info, kind) = (&subject.entry.info, subject.entry.kind());
    ensure(is_id(&info.id), || {
        format!("id `{}` is malformed: write `vendor/name` in lower case, digits and hyphens", info.id)
    })?;
    ensure(is_version(&info.version), || {
        format!(
            "version `{}` is not a semantic version: write MAJOR.MINOR.PATCH, such as 0.1.0",
            info.version
        )
    })?;
    sentence("the summary", &info.summary)?;
    let mut names = BTreeSet::new();
    for description in &info.parameters {
        ensure(names.insert(&description.name), || {
            format!("parameter `{}` is described twice", description.name)
        })?;
        parameter(description)?;
    }
    ensure(info.keywords.is_empty() == (kind != Kind::CnnOp), || match kind {
        Kind::CnnOp => "a cnn-op claims at least one keyword: add .keywords(&[...])".to_owned(),
        _ => format!("keywords {:?} of a plugin of kind {kind}: only a cnn-op has keywords", info.keywords),
    })?;
    if let Some(bad) = info.keywords.iter().find(|k| !is_keyword(k)) {
        return failed(format!(
            "keyword `{bad}` is malformed: write lower case letters and underscores, a letter first"
        ));
    }
    ensure(info.metrics.is_empty() || kind == Kind::Evaluator, || {
        format!("metrics {:?} of a plugin of kind {kind}: only an evaluator has metrics", info.metrics)
    })?;
    if let Some(bad) = info.metrics.iter().find(|m| !is_name(m)) {
        return failed(format!(
            "metric `{bad}` is malformed: write lower case letters, digits and underscores"
        ));
    }
    for need in &info.needs {
        ensure(matches!(need, Kind::Surrogate | Kind::Engine), || {
            format!("needs {need}: a plugin can be given plugins of kind surrogate or engine only")
        })?;
        ensure(matches!(kind, Kind::Strategy | Kind::Evaluator), || {
            format!(
                "a plugin of kind {kind} needs {need}: only strategies and evaluators are given other plugins"
            )
        })?;
    }
    if info.examples.is_empty() && kind != Kind::PublishedConstants {
        return warning(
            "no examples: `codebench plugin info` shows none, and no test runs one; add .example(title, text)",
        );
    }
    Ok(())
}

fn parameter(description: &ParameterDescription) -> Verdict {
    let ParameterDescription { name, unit, domain, default, help } = description;
    ensure(is_name(name), || {
        format!(
            "parameter `{name}` is malformed: write lower case letters, digits and underscores, a letter first"
        )
    })?;
    sentence(&format!("the help of parameter `{name}`"), help)?;
    ensure(unit.as_ref().is_none_or(|u| !u.trim().is_empty()), || {
        format!("parameter `{name}` has an empty unit: leave it out for a count or a name")
    })?;
    let holds = match domain {
        Domain::Integer { min, max } => min <= max,
        Domain::Float { min, max } => min.is_finite() && max.is_finite() && min <= max,
        Domain::Choice { values } => {
            !values.is_empty()
                && values.iter().collect::<BTreeSet<_>>().len() == values.len()
                && values.iter().all(|v| !v.is_empty())
        }
        Domain::Boolean | Domain::Text => true,
    };
    ensure(holds, || {
        format!(
            "parameter `{name}` may be {domain}, which nothing or not everything can be: give finite bounds in order, different names"
        )
    })?;
    let Some(default) = default else { return Ok(()) };
    match description.check(default) {
        Ok(value) if value == *default => Ok(()),
        Ok(value) => failed(format!(
            "parameter `{name}` has the default {default}, which is of another type: write {value}"
        )),
        Err(_) => failed(format!(
            "parameter `{name}` has the default {default}, which is out of its range: {domain}"
        )),
    }
}

/// One line that ends with a full stop.
fn sentence(what: &str, text: &str) -> Verdict {
    ensure(!text.trim().is_empty(), || format!("{what} is empty: write one sentence"))?;
    ensure(text.ends_with('.') && !text.contains('\n'), || {
        format!("{what} is {text:?}: write sentences on one line, with a full stop")
    })
}

/// `[a-z][a-z0-9_]*`.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// `[a-z][a-z_]*`.
fn is_keyword(keyword: &str) -> bool {
    is_name(keyword) && !keyword.contains(|c: char| c.is_ascii_digit())
}

/// `vendor/name`, each of lower case letters, digits and hyphens, starting with a letter.
fn is_id(id: &str) -> bool {
    let part = |p: &str| is_name(&p.replace('-', "_")) && !p.contains('_');
    matches!(id.split_once('/'), Some((vendor, name)) if part(vendor) && part(name))
}

/// `1.2.3`, and behind it `-pre.1` or `+build`.
fn is_version(version: &str) -> bool {
    let (core, rest) = match version.find(['-', '+']) {
        Some(at) => version.split_at(at),
        None => (version, ""),
    };
    let number =
        |n: &str| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()) && (n == "0" || !n.starts_with('0'));
    let tail = |t: &str| {
        t.is_empty()
            || t[1..]
                .split(['.', '+'])
                .all(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    };
    core.split('.').count() == 3 && core.split('.').all(number) && tail(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for good in ["0.1.0", "1.22.333", "1.0.0-alpha.1", "1.0.0+build-7", "1.0.0-rc.1+5"] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["", "1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.0.x", "1.0.0-", "1.0.0-a..b", "1.-0.0"]
        {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
