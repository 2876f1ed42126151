use crate::check::{Verdict, ensure, failed, skipped};
use crate::subject::{Shown, Subject};
use codebench_api::{ErrorKind, Kind, PluginError};
use codebench_model::{Domain, ParameterDescription, ParameterValue, Parameters};
use codebench_space::Rng;

pub(super) fn accepted(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    for (i, parameters) in subject.drawn(rng, 24)?.into_iter().enumerate() {
        let Err(e) = subject.try_make(&parameters) else { continue };
        let shown = Shown(&parameters);
        ensure(e.kind == ErrorKind::Invalid, || {
            format!("with {shown}, all of them in range, it cannot be made ({:?}): {e}", e.kind)
        })?;
        ensure(i > 0, || format!("its own defaults and examples are refused, with {shown}: {e}"))?;
        ensure(subject.descriptions().iter().any(|d| e.message.contains(&d.name)), || {
            format!(
                "{shown} is refused with {:?}, which names no parameter: say which contradict each other",
                e.message
            )
        })?;
    }
    Ok(())
}

pub(super) fn refused(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    if subject.entry.kind() == Kind::PublishedConstants {
        return skipped("constants take no parameters");
    }
    let base = subject.base(rng)?;
    if let Err(e) = subject.try_make(&base) {
        return skipped(format!("its own defaults are refused: {e}"));
    }
    let with = |name: &str, value: ParameterValue| {
        let mut changed = base.clone();
        changed.insert(name.to_owned(), value);
        changed
    };
    for description in subject.descriptions() {
        for value in wrong(description) {
            expect(subject, &with(&description.name, value.clone()), |e| {
                e.message.contains(&description.name)
                    && e.message.contains(&value.to_string())
                    && e.message.contains(&description.domain.to_string())
            })?;
        }
        if description.domain == Domain::Text {
            text(subject, &base, &description.name)?;
        }
    }
    let unknown = "no_such_parameter";
    expect(subject, &with(unknown, ParameterValue::Integer(1)), |e| {
        e.message.contains(unknown) && subject.descriptions().iter().all(|d| e.message.contains(&d.name))
    })
}

/// Values out of the domain: beside it, of other types, not a number.
fn wrong(description: &ParameterDescription) -> Vec<ParameterValue> {
    let text = || ParameterValue::Text("no such value".into());
    match &description.domain {
        Domain::Integer { min, max } => {
            let beside = [min.checked_sub(1), max.checked_add(1)];
            let mut wrong: Vec<_> = beside.into_iter().flatten().map(ParameterValue::Integer).collect();
            wrong.extend([ParameterValue::Float(*min as f64 + 0.5), ParameterValue::Boolean(true), text()]);
            wrong
        }
        Domain::Float { min, max } => {
            let beside = [min - min.abs() - 1.0, max + max.abs() + 1.0, f64::INFINITY, f64::NAN];
            let mut wrong: Vec<_> = beside.into_iter().map(ParameterValue::Float).collect();
            wrong.extend([ParameterValue::Boolean(false), text()]);
            wrong
        }
        Domain::Choice { .. } => vec![text(), ParameterValue::Integer(0)],
        Domain::Boolean => vec![text(), ParameterValue::Integer(1)],
        Domain::Text => vec![ParameterValue::Integer(1)],
    }
}

fn expect(subject: &Subject<'_>, parameters: &Parameters, quotes: impl Fn(&PluginError) -> bool) -> Verdict {
    let shown = Shown(parameters);
    match subject.try_make(parameters) {
        Ok(()) => failed(format!("{shown} is accepted, against the description")),
        Err(e) if e.kind != ErrorKind::Invalid => {
            failed(format!("{shown} is refused as {:?} instead of Invalid: {e}", e.kind))
        }
        Err(e) if !quotes(&e) => failed(format!(
            "{shown} is refused with {:?}, which does not quote the parameter, its value and what is allowed",
            e.message
        )),
        Err(_) => Ok(()),
    }
}

/// A text may be accepted, to be refused when it is used; if it is refused at once, the message quotes it.
fn text(subject: &Subject<'_>, base: &Parameters, name: &str) -> Verdict {
    if subject.options.parameters.contains_key(name) {
        return Ok(());
    }
    for hostile in ["", "no such thing", "\u{0}", "\u{202e}%s%n{}"] {
        let mut parameters = base.clone();
        parameters.insert(name.to_owned(), ParameterValue::Text(hostile.to_owned()));
        let Err(e) = subject.try_make(&parameters) else { continue };
        // A host spells control characters out.
        let spelt = hostile.escape_debug().to_string();
        let quoted = e.message.contains(hostile) || e.message.contains(&spelt);
        ensure(
            matches!(e.kind, ErrorKind::Invalid | ErrorKind::NotFound)
                && (quoted || e.message.contains(name)),
            || {
                format!(
                    "{name} = {hostile:?} is refused as {:?} with {:?}: refuse it as Invalid or NotFound, and quote it",
                    e.kind, e.message
                )
            },
        )?;
    }
    Ok(())
}
