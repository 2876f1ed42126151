//! The end of a study: the best candidate measured, files written.

use super::{Study, of_batch};
use crate::error::SearchError;
use crate::observer::Observer;
use crate::report::{self, Report};
use crate::store::{Asked, FinalRecord};
use crate::summary::{BestCandidate, Counts, Outcome, Summary};
use crate::{canonical, records_csv, store, wall_csv};
use codebench_cnn::file::{CnnFile, Format};
use codebench_model::{Block, Purpose, Record, Status};
use codebench_space::Candidate;
use std::collections::BTreeMap;
use std::path::PathBuf;

impl Study<'_> {
    pub(super) fn finish(
        mut self,
        outcome: Outcome,
        observer: &mut dyn Observer,
    ) -> Result<Summary, SearchError> {
        let mut outcome = outcome;
        let mut measured = None;
        if outcome != Outcome::Interrupted
            && let Some((trial, _)) = self.leader.best()
        {
            measured = self.measure(trial, observer)?;
            if measured.is_none() {
                outcome = Outcome::Interrupted;
            }
        }
        let mut summary = self.summary(outcome, measured.as_ref());
        if outcome != Outcome::Interrupted {
            summary.files = self.write(&summary, measured.as_ref())?;
        }
        Ok(summary)
    }

    /// The final measurement of `trial`, which the store may hold already; `None` if the run was cancelled.
    fn measure(
        &mut self,
        trial: u64,
        observer: &mut dyn Observer,
    ) -> Result<Option<FinalRecord>, SearchError> {
        if let Some(known) = self.store.final_record()?.filter(|known| known.trial == trial) {
            return Ok(Some(known));
        }
        let Some(asked) = self.asked(trial) else { return Ok(None) };
        observer.finalising(trial);
        let Some(mut trials) = self.evaluate(&[asked], Purpose::Final, observer)? else { return Ok(None) };
        let Some(running) = trials.pop() else { return Ok(None) };
        let (status, reason) = match running.ended {
            Some((status, reason)) => (status, Some(reason)),
            None => (Status::Ok, None),
        };
        let record =
            FinalRecord { trial, status, reason, metrics: running.metrics, evaluator_keys: running.keys };
        self.store.commit_final(&record)?;
        Ok(Some(record))
    }

    fn asked(&self, trial: u64) -> Option<Asked> {
        let batch = self.records.get(&trial)?.batch;
        of_batch(&self.asks, batch).iter().find(|a| a.trial == trial).cloned()
    }

    fn summary(&self, outcome: Outcome, measured: Option<&FinalRecord>) -> Summary {
        let mut counts = Counts::default();
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        for record in self.records.values() {
            match record.status {
                Status::Ok => counts.ok += 1,
                Status::Infeasible => counts.infeasible += 1,
                Status::Failed => counts.failed += 1,
            }
            if let Some(reason) = &record.reason {
                *reasons.entry(reason).or_default() += 1;
            }
        }
        let main_reason = reasons.into_iter().rev().max_by_key(|(_, times)| *times);
        Summary {
            name: self.setup.experiment.name.clone(),
            outcome,
            trials: self.setup.experiment.budget.trials,
            counts,
            space_size: self.setup.points.count().to_string(),
            best: self.best_candidate(measured),
            front: self.leader.front(),
            main_reason: main_reason.map(|(reason, times)| (reason.to_owned(), times)),
            note: self.grown().or_else(|| self.setup.unread_data()),
            files: Vec::new(),
        }
    }

    fn best_candidate(&self, measured: Option<&FinalRecord>) -> Option<BestCandidate> {
        let (trial, objectives) = self.leader.best()?;
        let record = self.records.get(&trial)?;
        let values = self.setup.lowered(&record.genotype).map(|(candidate, _)| candidate.values);
        let complete = measured.filter(|m| m.status == Status::Ok);
        let final_failure = measured.and_then(|measured| measured.reason.clone());
        Some(BestCandidate {
            trial,
            values: values.unwrap_or_default(),
            blocks: self.blocks(),
            objectives: objectives.to_vec(),
            feasible: self.leader.is_feasible(),
            metrics: complete.map_or_else(|| record.metrics.clone(), |m| m.metrics.clone()),
            final_failure,
        })
    }

    /// Of every choice that makes a CNN or an accelerator, which.
    fn blocks(&self) -> BTreeMap<String, Block> {
        let space = &self.setup.experiment.space;
        let choices = space.choices.iter().filter(|choice| match choice.block {
            Block::Cnn => space.cnn.is_some(),
            Block::Accelerator => space.accelerator.is_some(),
        });
        choices.map(|choice| (choice.name.clone(), choice.block)).collect()
    }

    /// The CNN and the accelerator of the best candidate, as `codebench train` and `codebench simulate` take them.
    fn best_files(&self, candidate: &Candidate) -> Vec<(&'static str, Vec<u8>)> {
        let mut files = Vec::new();
        if let Some(cnn) = &candidate.cnn {
            let images = self.setup.images;
            let file = CnnFile {
                name: Some(format!("{}-best", self.setup.experiment.name)),
                image: images.map(|images| images.input).filter(|i| i.height == i.width).map(|i| i.height),
                channels: images.map(|images| images.input.channels),
                classes: images.map(|images| images.classes),
                graph: cnn.clone(),
            };
            files.push(("best-cnn.json", file.write(Format::Json).into_bytes()));
        }
        if let Some(accelerator) = &candidate.accelerator {
            let text = canonical::to_text(&canonical::to_value(accelerator));
            files.push(("best-accelerator.json", (text + "\n").into_bytes()));
        }
        files
    }

    /// Writes everything that a user reads; each file appears whole or not at all.
    fn write(&self, summary: &Summary, measured: Option<&FinalRecord>) -> Result<Vec<PathBuf>, SearchError> {
        let records: Vec<Record> = self.records.values().cloned().collect();
        let experiment = &self.setup.experiment;
        let wall = self.store.wall()?;
        let candidate = summary.best.as_ref().and_then(|best| {
            let record = self.records.get(&best.trial)?;
            self.setup.lowered(&record.genotype).ok()
        });
        let report = Report {
            experiment,
            records: &records,
            summary,
            candidate: candidate.as_ref().map(|(candidate, _)| candidate),
            workload: candidate.as_ref().and_then(|(_, lowered)| lowered.as_ref()).map(|l| &l.workload),
            measured,
            plugins: &self.plugins,
        };
        let failed = |file: &'static str| move |reason: String| SearchError::Output { file, reason };
        let table = |file, table: Result<Vec<u8>, csv::Error>| table.map_err(|e| failed(file)(e.to_string()));
        let html = report::html(&report).map_err(|e| failed("report.html")(e.to_string()))?;
        let mut files = vec![
            ("records.csv", table("records.csv", records_csv::write(experiment, &records))?),
            ("wall.csv", table("wall.csv", wall_csv::write(&wall))?),
            ("report.html", html.into_bytes()),
        ];
        if let Some((candidate, _)) = &candidate {
            files.extend(self.best_files(candidate));
        }
        let mut written = Vec::new();
        for (name, bytes) in files {
            let path = self.out.join(name);
            store::write_atomically(&path, &bytes)?;
            written.push(path);
        }
        Ok(written)
    }
}
