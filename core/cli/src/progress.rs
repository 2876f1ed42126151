//! Progress of a study on standard error: a bar on a terminal, plain lines elsewhere.

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
    trials: u64,
    recorded: u64,
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
            recorded: 0,
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
            bar.set_message(format!(
                "{}/{} trials, {}",
                self.recorded,
                self.trials,
                best(self.best.as_ref())
            ));
            return;
        }
        if important || self.last_line.is_none_or(|at| at.elapsed() >= PAUSE) {
            self.last_line = Some(Instant::now());
            self.line(&self.text());
        }
    }

    fn text(&self) -> String {
        let left = self.left().map(|d| format!(", about {} left", clock(d))).unwrap_or_default();
        format!("{}: {}/{} trials, {}{left}", self.name, self.recorded, self.trials, best(self.best.as_ref()))
    }

    /// Time left, from the evaluations of this run.
    fn left(&self) -> Option<Duration> {
        let done = self.done.checked_sub(self.done_before).filter(|n| *n > 0)?;
        let remaining = (self.trials * self.evaluators).saturating_sub(self.done);
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
        self.name.clone_from(&event.name);
        (self.trials, self.recorded) = (event.trials, event.recorded);
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
            bar.set_length(self.trials * self.evaluators);
            bar.set_position(self.done);
            bar.reset_eta();
            let style = ProgressStyle::with_template("{spinner} {bar:30} {msg}, {eta} left");
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
        self.show(event.recorded == self.trials);
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
            let values: Vec<String> = best.objectives.iter().map(|x| format!("{x:.5}")).collect();
            format!("best {} (trial {})", values.join(", "), best.trial)
        }
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
        assert!(progress.left().unwrap() >= Duration::from_secs(10), "{:?}", progress.left());
        progress.best = Some(Best { trial: 2, objectives: vec![0.5] });
        assert!(
            progress.text().starts_with("q: 1/4 trials, best 0.50000 (trial 2), about 0:1"),
            "{}",
            progress.text()
        );
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(clock(Duration::from_millis(122_100)), "2:03");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
        assert_eq!(["7", "1000", "228433920"].map(grouped), ["7", "1,000", "228,433,920"]);
    }
}
