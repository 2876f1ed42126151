//! Progress of a study on standard error: a bar on a terminal, plain lines elsewhere.

use crate::readable::readable;
use codebench_model::Status;
use codebench_search::{Best, Evaluated, Observer, Started, TrialFinished};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Plain lines come at most this often.
const PAUSE: Duration = Duration::from_secs(5);

/// Shows how far a study is, the best so far and the time left.
pub struct Progress {
    bar: Option<ProgressBar>,
    name: String,
    /// Trials of the budget.
    trials: u64,
    /// Trials that can be: those of the budget, at most the candidates of the space.
    expected: u64,
    recorded: u64,
    /// Trials that had been recorded when this run started.
    recorded_before: u64,
    evaluators: u64,
    /// Evaluations that have been done, those of recorded trials included.
    done: u64,
    /// Evaluations that had been done when this run started.
    done_before: u64,
    best: Option<Best>,
    started: Instant,
    last_line: Option<Instant>,
}

impl Progress {
    /// For the standard error of this process.
    pub fn new() -> Progress {
        let bar = std::io::stderr().is_terminal().then(ProgressBar::no_length);
        Progress {
            bar,
            name: String::new(),
            trials: 0,
            expected: 0,
            recorded: 0,
            recorded_before: 0,
            evaluators: 1,
            done: 0,
            done_before: 0,
            best: None,
            started: Instant::now(),
            last_line: None,
        }
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            // A closed standard error stops no study.
            None => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }

    fn show(&mut self, important: bool) {
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
            bar.set_message(self.state());
            return;
        }
        if important || self.last_line.is_none_or(|at| at.elapsed() >= PAUSE) {
            self.last_line = Some(Instant::now());
            self.line(&self.text());
        }
    }

    fn text(&self) -> String {
        format!("{}: {}", self.name, self.state())
    }

    fn state(&self) -> String {
        let left = self.left().map(|d| format!(", about {} left", clock(d))).unwrap_or_default();
        format!("{}/{} trials, {}{left}", self.recorded, self.trials, best(self.best.as_ref()))
    }

    /// Time left, from the evaluations of this run; not before one of its trials has ended.
    fn left(&self) -> Option<Duration> {
        if self.recorded <= self.recorded_before {
            return None;
        }
        let done = self.done.checked_sub(self.done_before).filter(|n| *n > 0)?;
        let remaining = (self.expected * self.evaluators).saturating_sub(self.done);
        let seconds = self.started.elapsed().as_secs_f64() / done as f64 * remaining as f64;
        (remaining > 0).then(|| Duration::from_secs_f64(seconds.min(1e9)))
    }
}

impl Default for Progress {
    fn default() -> Self {
        Progress::new()
    }
}

impl Observer for Progress {
    fn started(&mut self, event: &Started) {
        self.name = readable(&event.name);
        (self.trials, self.recorded) = (event.trials, event.recorded);
        self.expected = event.space_size.parse::<u64>().map_or(event.trials, |size| size.min(event.trials));
        self.recorded_before = event.recorded;
        self.evaluators = event.evaluators.max(1);
        self.done = self.recorded * self.evaluators;
        self.done_before = self.done;
        self.best.clone_from(&event.best);
        self.started = Instant::now();
        let resumed =
            if event.recorded > 0 { format!(", {} done before", event.recorded) } else { String::new() };
        self.line(&format!(
            "{}: {} trials{resumed}, from a space of {} candidates",
            event.name,
            event.trials,
            grouped(&event.space_size)
        ));
        if let Some(bar) = &self.bar {
            bar.set_length(self.expected * self.evaluators);
            bar.set_position(self.done);
            let style = ProgressStyle::with_template("{spinner} {bar:30} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            self.show(true);
        }
    }

    fn evaluated(&mut self, _: &Evaluated) {
        self.done += 1;
        self.show(false);
    }

    fn trial_finished(&mut self, event: &TrialFinished) {
        if event.status == Status::Failed {
            let reason = event.reason.as_deref().unwrap_or("no reason given");
            let first = reason.lines().next().unwrap_or_default();
            self.line(&format!("trial {} failed: {first}", event.trial));
        }
        self.recorded = event.recorded;
        self.done = self.done.max(event.recorded * self.evaluators);
        self.best.clone_from(&event.best);
        self.show(event.recorded == self.expected);
    }

    fn finalising(&mut self, trial: u64) {
        self.line(&format!("measuring the best candidate, trial {trial}, once more for the report"));
    }

    fn note(&mut self, text: &str) {
        self.line(&format!("note: {text}"));
    }
}

fn best(best: Option<&Best>) -> String {
    match best {
        None => "no result yet".into(),
        Some(best) => {
            let values: Vec<String> = best.objectives.iter().map(|x| significant(*x)).collect();
            format!("best {} (trial {})", values.join(", "), best.trial)
        }
    }
}

/// Five significant digits, with an exponent where zeros would take their place.
fn significant(x: f64) -> String {
    let scientific = format!("{x:.4e}");
    let exponent = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent {
        _ if x == 0.0 => "0".into(),
        Some(exponent @ -3..=4) => format!("{x:.*}", usize::try_from(4 - exponent).unwrap_or(0)),
        _ => scientific,
    }
}

/// `1:02:03` or `2:03`.
pub(crate) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().ceil() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Digits in groups of three.
pub(crate) fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Progress {
        Progress { bar: None, ..Progress::new() }
    }

    #[test]
    fn lines_say_how_far_and_what_is_best() {
        let mut progress = plain();
        progress.started(&Started {
            name: "q".into(),
            trials: 4,
            recorded: 1,
            evaluators: 2,
            space_size: "228433920".into(),
            best: None,
        });
        assert_eq!((progress.done, progress.left()), (2, None));
        assert_eq!(progress.text(), "q: 1/4 trials, no result yet");
        progress.started -= Duration::from_secs(2);
        progress.evaluated(&Evaluated { trial: 1, evaluator: "train".into(), reused: false });
        assert_eq!(progress.left(), None, "no trial of this run has ended");
        progress.recorded = 2;
        assert!(progress.left().unwrap() >= Duration::from_secs(10), "{:?}", progress.left());
        progress.best = Some(Best { trial: 2, objectives: vec![0.5] });
        assert!(
            progress.text().starts_with("q: 2/4 trials, best 0.50000 (trial 2), about 0:1"),
            "{}",
            progress.text()
        );
    }

    #[test]
    fn no_more_trials_are_expected_than_the_space_has_candidates() {
        let mut progress = plain();
        let started = |space_size: &str| Started {
            name: "q".into(),
            trials: 1000,
            recorded: 0,
            evaluators: 1,
            space_size: space_size.into(),
            best: None,
        };
        progress.started(&started("2"));
        progress.started -= Duration::from_secs(2);
        (progress.done, progress.recorded) = (1, 1);
        let left = progress.left().unwrap();
        assert!(left < Duration::from_secs(100), "{left:?}");
        progress.started(&started("123456789012345678901234567890"));
        assert_eq!(progress.expected, 1000);
    }

    #[test]
    fn small_objectives_keep_their_digits() {
        assert_eq!(
            [0.18421, -0.000_001_234_56, 0.0012345, -28938.25, 0.0, 1e9].map(significant),
            ["0.18421", "-1.2346e-6", "0.0012345", "-28938", "0", "1.0000e9"]
        );
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(clock(Duration::from_millis(122_100)), "2:03");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
        assert_eq!(["7", "1000", "228433920"].map(grouped), ["7", "1,000", "228,433,920"]);
    }
}
