//! Rows of the store, written and read.

use super::{Store, StoreError};
use codebench_api::Form;
use codebench_model::{Genotype, Metrics, Record, Status};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, Transaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Which call of the strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// It was asked for candidates.
    Ask,
    /// It was told outcomes.
    Tell,
}

/// One call of the strategy: its state is a function of the seed and the calls without an error.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedCall {
    /// Which call.
    pub kind: CallKind,
    /// The batch that it belongs to.
    pub batch: u64,
    /// Candidates asked for, or outcomes told.
    pub count: u64,
    /// What an ask answered, as it answered.
    pub proposals: Option<Vec<Genotype>>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Who chose a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The strategy.
    Strategy,
    /// The study, by a uniform sample.
    Sample,
}

/// One asked trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its number.
    pub trial: u64,
    /// Its batch.
    pub batch: u64,
    /// The repaired genotype.
    pub genotype: Genotype,
    /// Who chose it.
    pub origin: Origin,
}

/// Why a batch is the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchEnd {
    /// No candidate of the space is left.
    Exhausted,
    /// The strategy has no more to propose.
    StrategyDone,
}

/// The memorised answer of an evaluator.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Memo key.
    pub key: String,
    /// Id of the evaluator in the experiment.
    pub evaluator: String,
    /// Id of its plugin.
    pub plugin: String,
    /// Version of its plugin.
    pub version: String,
    /// How it ended.
    pub status: Status,
    /// Why it is not `ok`.
    pub reason: Option<String>,
    /// What it gave, without wall-clock values.
    pub metrics: Metrics,
}

/// A wall-clock value; outside the promise of determinism.
#[derive(Debug, Clone, PartialEq)]
pub struct WallRow {
    /// The trial for which the evaluator ran.
    pub trial: u64,
    /// Id of the evaluator in the experiment.
    pub evaluator: String,
    /// `search` or `final`.
    pub purpose: String,
    /// Name with unit.
    pub name: String,
    /// Value.
    pub value: f64,
}

impl WallRow {
    fn insert(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let query = "INSERT OR REPLACE INTO wall (trial, evaluator, purpose, name, value) VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = (signed(self.trial), &self.evaluator, &self.purpose, &self.name, self.value);
        transaction.prepare_cached(query)?.execute(row).map(drop)
    }
}

/// A plugin of the experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginRow {
    /// What it does here: `strategy`, `evaluator train`, ...
    pub role: String,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Where it came from.
    pub source: String,
    /// How it came.
    pub form: Form,
    /// SHA-256 of its file; `None` if it is built in.
    pub sha256: Option<String>,
}

/// The best candidate, measured for the report.
#[derive(Debug, Clone, PartialEq)]
pub struct FinalRecord {
    /// The trial.
    pub trial: u64,
    /// How it ended.
    pub status: Status,
    /// Why it is not `ok`.
    pub reason: Option<String>,
    /// Metrics by evaluator id, `test_*` included.
    pub metrics: BTreeMap<String, Metrics>,
    /// Memo key of each evaluator.
    pub evaluator_keys: BTreeMap<String, String>,
}

impl PluginRow {
    pub(super) fn insert(&self, t: &Transaction<'_>) -> rusqlite::Result<()> {
        t.execute(
            "INSERT INTO plugins (role, id, version, source, form, sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (&self.role, &self.id, &self.version, &self.source, self.form.to_string(), &self.sha256),
        )
        .map(drop)
    }
}

impl LoggedCall {
    fn insert(&self, t: &Transaction<'_>) -> rusqlite::Result<()> {
        let kind = if self.kind == CallKind::Ask { "ask" } else { "tell" };
        t.prepare_cached(
            "INSERT INTO calls (kind, batch, count, proposals, error) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((
            kind,
            signed(self.batch),
            signed(self.count),
            self.proposals.as_ref().map(text),
            &self.error,
        ))
        .map(drop)
    }
}

impl Store {
    /// A fact of the founding.
    pub fn fact(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.connection
            .query_row("SELECT value FROM experiment WHERE key = ?1", [key], |row| row.get(0))
            .optional()
            .map_err(|e| self.error(e))
    }

    /// Replaces a fact that may change, such as the budget.
    pub fn set_fact(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.transaction(|t| {
            t.execute("INSERT OR REPLACE INTO experiment (key, value) VALUES (?1, ?2)", (key, value))
                .map(drop)
        })
    }

    /// The plugins with which the store was founded.
    pub fn plugins(&self) -> Result<Vec<PluginRow>, StoreError> {
        let query = "SELECT role, id, version, source, form, sha256 FROM plugins ORDER BY role";
        self.rows(query, |row| {
            let form: String = row.get(4)?;
            let form = Form::ALL.into_iter().find(|f| f.to_string() == form);
            Ok(PluginRow {
                role: row.get(0)?,
                id: row.get(1)?,
                version: row.get(2)?,
                source: row.get(3)?,
                form: form.ok_or(rusqlite::Error::InvalidQuery)?,
                sha256: row.get(5)?,
            })
        })
    }

    /// Commits one asked batch: the calls that made it and its trials.
    pub fn commit_batch(
        &mut self,
        batch: u64,
        calls: &[LoggedCall],
        asked: &[Asked],
        end: Option<BatchEnd>,
    ) -> Result<(), StoreError> {
        self.transaction(|t| {
            for call in calls {
                call.insert(t)?;
            }
            for ask in asked {
                let origin = if ask.origin == Origin::Strategy { "strategy" } else { "sample" };
                t.prepare_cached(
                    "INSERT INTO asks (trial, batch, genotype, origin) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute((
                    signed(ask.trial),
                    signed(ask.batch),
                    text(&ask.genotype),
                    origin,
                ))?;
            }
            let last = end.map(|end| if end == BatchEnd::Exhausted { "exhausted" } else { "strategy" });
            t.execute("INSERT INTO batches (batch, last) VALUES (?1, ?2)", (signed(batch), last)).map(drop)
        })
    }

    /// Commits the calls of a batch that was given up.
    pub fn commit_calls(&mut self, calls: &[LoggedCall]) -> Result<(), StoreError> {
        self.transaction(|t| calls.iter().try_for_each(|call| call.insert(t)))
    }

    /// Commits one answer of an evaluator with the wall-clock values of the call.
    pub fn commit_evaluation(&mut self, evaluation: &Evaluation, wall: &[WallRow]) -> Result<(), StoreError> {
        self.transaction(|t| {
            let e = evaluation;
            t.prepare_cached(
                "INSERT OR REPLACE INTO evaluations (key, evaluator, plugin, version, outcome, reason, metrics) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                &e.key,
                &e.evaluator,
                &e.plugin,
                &e.version,
                e.status.name(),
                &e.reason,
                text(&e.metrics),
            ))?;
            wall.iter().try_for_each(|row| row.insert(t))
        })
    }

    /// Commits wall-clock values.
    pub fn commit_wall(&mut self, wall: &[WallRow]) -> Result<(), StoreError> {
        self.transaction(|t| wall.iter().try_for_each(|row| row.insert(t)))
    }

    /// The memorised answer under `key`.
    pub fn evaluation(&self, key: &str) -> Result<Option<Evaluation>, StoreError> {
        let read = |row: &Row<'_>| {
            Ok(Evaluation {
                key: row.get(0)?,
                evaluator: row.get(1)?,
                plugin: row.get(2)?,
                version: row.get(3)?,
                status: status(row, 4)?,
                reason: row.get(5)?,
                metrics: json(row, 6)?,
            })
        };
        let query = "SELECT key, evaluator, plugin, version, outcome, reason, metrics FROM evaluations WHERE key = ?1";
        let mut statement = self.connection.prepare_cached(query).map_err(|e| self.error(e))?;
        statement.query_row([key], read).optional().map_err(|e| self.error(e))
    }

    /// Commits one record.
    pub fn commit_record(&mut self, record: &Record) -> Result<(), StoreError> {
        self.transaction(|t| {
            t.prepare_cached(
                "INSERT INTO records (trial, batch, genotype, status, reason, metrics, objectives, violation, \
                 evaluator_keys) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute((
                signed(record.trial),
                signed(record.batch),
                text(&record.genotype),
                record.status.name(),
                &record.reason,
                text(&record.metrics),
                text(&record.objectives),
                record.violation,
                text(&record.evaluator_keys),
            ))
            .map(drop)
        })
    }

    /// Every record in order of trials.
    pub fn records(&self) -> Result<Vec<Record>, StoreError> {
        let query = "SELECT trial, batch, genotype, status, reason, metrics, objectives, violation, evaluator_keys \
                     FROM records ORDER BY trial";
        self.rows(query, |row| {
            Ok(Record {
                trial: unsigned(row, 0)?,
                batch: unsigned(row, 1)?,
                genotype: json(row, 2)?,
                status: status(row, 3)?,
                reason: row.get(4)?,
                metrics: json(row, 5)?,
                objectives: json(row, 6)?,
                violation: row.get(7)?,
                evaluator_keys: json(row, 8)?,
            })
        })
    }

    /// Every asked trial in order: their numbers count from 0, and every record is of one of them.
    pub fn asks(&self) -> Result<Vec<Asked>, StoreError> {
        let asks = self.rows("SELECT trial, batch, genotype, origin FROM asks ORDER BY trial", |row| {
            let origin: String = row.get(3)?;
            Ok(Asked {
                trial: unsigned(row, 0)?,
                batch: unsigned(row, 1)?,
                genotype: json(row, 2)?,
                origin: if origin == "strategy" { Origin::Strategy } else { Origin::Sample },
            })
        })?;
        let gap = (0..).zip(&asks).find(|(number, asked)| asked.trial != *number);
        let recorded =
            self.rows("SELECT coalesce(max(trial), -1) + 1 FROM records", |row| unsigned(row, 0))?;
        let last = recorded.first().copied().filter(|recorded| *recorded > asks.len() as u64);
        match gap.map(|(number, _)| number).or(last.map(|recorded| recorded - 1)) {
            None => Ok(asks),
            Some(trial) => Err(StoreError::Corrupt {
                path: self.path.clone(),
                reason: format!("the row of trial {trial} is missing in the table `asks`"),
            }),
        }
    }

    /// Every call of the strategy in order.
    pub fn calls(&self) -> Result<Vec<LoggedCall>, StoreError> {
        self.rows("SELECT kind, batch, count, proposals, error FROM calls ORDER BY seq", |row| {
            let kind: String = row.get(0)?;
            let proposals: Option<String> = row.get(3)?;
            Ok(LoggedCall {
                kind: if kind == "ask" { CallKind::Ask } else { CallKind::Tell },
                batch: unsigned(row, 1)?,
                count: unsigned(row, 2)?,
                proposals: proposals.map(|p| parse(3, &p)).transpose()?,
                error: row.get(4)?,
            })
        })
    }

    /// Every asked batch in order, with the reason why it is the last one.
    pub fn batches(&self) -> Result<Vec<(u64, Option<BatchEnd>)>, StoreError> {
        self.rows("SELECT batch, last FROM batches ORDER BY batch", |row| {
            let last: Option<String> = row.get(1)?;
            let end =
                |last: String| if last == "exhausted" { BatchEnd::Exhausted } else { BatchEnd::StrategyDone };
            Ok((unsigned(row, 0)?, last.map(end)))
        })
    }

    /// Every wall-clock value, ordered by trial, evaluator, purpose and name.
    pub fn wall(&self) -> Result<Vec<WallRow>, StoreError> {
        let query = "SELECT trial, evaluator, purpose, name, value FROM wall \
                     ORDER BY trial, purpose DESC, evaluator, name";
        self.rows(query, |row| {
            Ok(WallRow {
                trial: unsigned(row, 0)?,
                evaluator: row.get(1)?,
                purpose: row.get(2)?,
                name: row.get(3)?,
                value: row.get(4)?,
            })
        })
    }

    /// Commits the final measurement, which replaces any earlier one.
    pub fn commit_final(&mut self, r: &FinalRecord) -> Result<(), StoreError> {
        self.transaction(|t| {
            t.execute("DELETE FROM final", [])?;
            t.execute(
                "INSERT INTO final (trial, status, reason, metrics, evaluator_keys) VALUES (?1, ?2, ?3, ?4, ?5)",
                (signed(r.trial), r.status.name(), &r.reason, text(&r.metrics), text(&r.evaluator_keys)),
            )
            .map(drop)
        })
    }

    /// The final measurement.
    pub fn final_record(&self) -> Result<Option<FinalRecord>, StoreError> {
        let rows = self.rows("SELECT trial, status, reason, metrics, evaluator_keys FROM final", |row| {
            Ok(FinalRecord {
                trial: unsigned(row, 0)?,
                status: status(row, 1)?,
                reason: row.get(2)?,
                metrics: json(row, 3)?,
                evaluator_keys: json(row, 4)?,
            })
        })?;
        Ok(rows.into_iter().next())
    }

    fn rows<T>(
        &self,
        query: &str,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let collect = || self.connection.prepare(query)?.query_map([], |row| read(row))?.collect();
        let rows: rusqlite::Result<Vec<T>> = collect();
        rows.map_err(|e| self.error(e))
    }
}

/// SQLite's integers are signed; counts of trials stay far below the difference.
fn signed(x: u64) -> i64 {
    i64::try_from(x).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let x: i64 = row.get(column)?;
    u64::try_from(x).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, x))
}

fn text(value: &impl Serialize) -> String {
    crate::canonical::to_text(&crate::canonical::to_value(value))
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    parse(column, &row.get::<_, String>(column)?)
}

fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<Status> {
    let name: String = row.get(column)?;
    let unknown = || format!("unknown status `{name}`").into();
    Status::from_name(&name)
        .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, unknown()))
}

fn parse<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(e)))
}
