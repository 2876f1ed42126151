//! Checks that hot calls of both hardware kinds share: rows in, rows out.

use crate::check::{Finding, Verdict, ensure, failed, warning};
use codebench_api::PluginError;
use codebench_space::Rng;
use std::fmt::Debug;
use std::time::{Duration, Instant};

/// A hot call: the cost of each work goes to the same index.
pub(crate) type Call<'a, W, C> = &'a (dyn Fn(&[W], &mut [C]) -> Result<(), PluginError> + Sync);

/// Rows asked at most.
pub(crate) const MOST_ROWS: usize = 65_536;

/// The costs of `works`, asked at once into a buffer that holds `before`.
pub(crate) fn costs<W: Debug, C: Clone>(
    call: Call<'_, W, C>,
    works: &[W],
    before: &C,
) -> Result<Vec<C>, Finding> {
    let mut costs = vec![before.clone(); works.len()];
    match call(works, &mut costs) {
        Ok(()) => Ok(costs),
        Err(e) => match works {
            [work] => refused(work, &e),
            _ if PluginError::tells_of_a_crash(&e.message) => {
                failed(format!("{} rows asked together: {e}", works.len()))
            }
            _ => failed(format!(
                "{} rows, each of which is accepted, are refused together ({:?}): {e}",
                works.len(),
                e.kind
            )),
        },
    }
}

/// That `work` is refused, or crashes the plugin.
pub(crate) fn refused<T>(work: &impl Debug, error: &PluginError) -> Result<T, Finding> {
    failed(match PluginError::tells_of_a_crash(&error.message) {
        true => format!("{work:?}: {error}"),
        false => format!("{work:?} is refused ({:?}): {error}", error.kind),
    })
}

/// That `costs` are `expected`, or the first row in which they differ.
pub(crate) fn same<W: Debug, C: PartialEq + Debug>(
    works: &[W],
    costs: &[C],
    expected: &[C],
    how: &str,
) -> Verdict {
    let differs = works.iter().zip(costs).zip(expected).find(|((_, cost), expected)| cost != expected);
    match differs {
        None => Ok(()),
        Some(((work, cost), expected)) => {
            failed(format!("{how}, the cost of {work:?} is {cost:?} instead of {expected:?}"))
        }
    }
}

/// Order of the rows, split into calls, repetition and what the buffer held change nothing; no rows are no error.
pub(crate) fn purity<W: Copy + Debug, C: Clone + PartialEq + Debug>(
    call: Call<'_, W, C>,
    works: &[W],
    (clean, dirty): (&C, &C),
    rng: &mut Rng,
) -> Verdict {
    let expected = costs(call, works, clean)?;
    same(works, &costs(call, works, dirty)?, &expected, "into a buffer that is not empty")?;
    for (work, expected) in works.iter().zip(&expected) {
        let alone = costs(call, &[*work], clean)?;
        same(&[*work], &alone, std::slice::from_ref(expected), "asked alone")?;
    }
    let mut order: Vec<usize> = (0..works.len()).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, rng.index(i + 1));
    }
    let shuffled: Vec<W> = order.iter().map(|i| works[*i]).collect();
    let of_shuffled: Vec<C> = order.iter().map(|i| expected[*i].clone()).collect();
    same(&shuffled, &costs(call, &shuffled, clean)?, &of_shuffled, "in another order")?;
    let (mut split, mut rest) = (Vec::new(), works);
    while !rest.is_empty() {
        let (part, left) = rest.split_at((rng.index(7) + 1).min(rest.len()));
        split.extend(costs(call, part, clean)?);
        rest = left;
    }
    same(works, &split, &expected, "split into several calls")?;
    costs(call, &[], clean).map(|_| ())
}

/// 1 to [`MOST_ROWS`] rows at once give what the rows give; the time grows no worse than linearly.
pub(crate) fn sizes<W: Copy + Debug, C: Clone + PartialEq + Debug>(
    call: Call<'_, W, C>,
    works: &[W],
    clean: &C,
) -> Verdict {
    let expected = costs(call, works, clean)?;
    linear(&[1, 64, 4096, MOST_ROWS], "rows", |rows| {
        let many: Vec<W> = works.iter().copied().cycle().take(rows).collect();
        let of_many: Vec<C> = expected.iter().cloned().cycle().take(rows).collect();
        let (answered, time) = timed(|| costs(call, &many, clean))?;
        same(&many, &answered, &of_many, &format!("among {rows} rows"))?;
        Ok(time)
    })
}

/// Seconds that are noise on a busy machine.
const NOISE_S: f64 = 0.1;
/// How often a time that looks wrong is taken.
const ATTEMPTS: usize = 3;

/// Runs `check` for each of `counts`, which judges the answer and says how long it took; a warning if the last count takes far
/// more than in proportion to the one before. Clocks jitter: only a factor counts, and what looks wrong is taken again.
pub(crate) fn linear(
    counts: &[usize],
    what: &str,
    mut check: impl FnMut(usize) -> Result<Duration, Finding>,
) -> Verdict {
    let mut times = counts.iter().map(|count| check(*count)).collect::<Result<Vec<_>, _>>()?;
    let [.., few, many] = *counts else { return Ok(()) };
    for attempt in 1.. {
        let [.., short, long] = times.as_mut_slice() else { return Ok(()) };
        let fair = short.as_secs_f64() * many as f64 / few as f64;
        if long.as_secs_f64() <= 4.0 * fair + NOISE_S {
            break;
        }
        if attempt == ATTEMPTS {
            return warning(format!(
                "{many} {what} took {:.3} s, {few} {what} {:.3} s: the time grows faster than their number",
                long.as_secs_f64(),
                short.as_secs_f64()
            ));
        }
        // A pause of the machine makes the short time too long or the long one; the shortest of each is the work.
        *short = check(few)?.min(*short);
        *long = check(many)?.min(*long);
    }
    Ok(())
}

/// What a run answers, and how long it takes.
pub(crate) fn timed<T>(run: impl FnOnce() -> Result<T, Finding>) -> Result<(T, Duration), Finding> {
    let start = Instant::now();
    let answer = run()?;
    Ok((answer, start.elapsed()))
}

/// Four threads that ask at once get the answers of one.
pub(crate) fn threads<T: PartialEq + Send>(
    answer: &(dyn Fn() -> Result<T, Finding> + Sync),
    what: &str,
) -> Verdict {
    let expected = answer()?;
    let answers: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..3).map(|_| answer()).collect::<Vec<_>>())).collect();
        running.into_iter().map(|thread| thread.join()).collect()
    });
    for thread in answers {
        let thread = match thread {
            Ok(answers) => answers,
            Err(panic) => {
                return failed(format!(
                    "panicked under several threads: {}",
                    crate::check::text_of(panic.as_ref())
                ));
            }
        };
        for answer in thread {
            ensure(answer? == expected, || {
                format!("{what} asked from several threads at once differ from those of one")
            })?;
        }
    }
    Ok(())
}
