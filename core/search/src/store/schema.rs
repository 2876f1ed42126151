//! The tables of a store.

/// `user_version` of the stores that this crate writes.
pub(super) const VERSION: i64 = 1;
/// `application_id` of a codebench store ("cdbn").
pub(super) const APPLICATION: i64 = 0x6364_626e;

/// Everything is created in one transaction, so a store is either empty or complete.
pub(super) const TABLES: &str = "
CREATE TABLE experiment (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE plugins (
    role    TEXT PRIMARY KEY,
    id      TEXT NOT NULL,
    version TEXT NOT NULL,
    source  TEXT NOT NULL,
    form    TEXT NOT NULL CHECK (form IN ('built-in', 'native', 'wasm')),
    sha256  TEXT
) WITHOUT ROWID;
CREATE TABLE calls (
    seq       INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL CHECK (kind IN ('ask', 'tell')),
    batch     INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    proposals TEXT,
    error     TEXT
);
CREATE TABLE asks (
    trial    INTEGER PRIMARY KEY,
    batch    INTEGER NOT NULL,
    genotype TEXT NOT NULL UNIQUE,
    origin   TEXT NOT NULL CHECK (origin IN ('strategy', 'sample'))
);
CREATE TABLE batches (
    batch INTEGER PRIMARY KEY,
    last  TEXT
);
CREATE TABLE records (
    trial          INTEGER PRIMARY KEY REFERENCES asks (trial),
    batch          INTEGER NOT NULL,
    genotype       TEXT NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('ok', 'infeasible', 'failed')),
    reason         TEXT,
    metrics        TEXT NOT NULL,
    objectives     TEXT NOT NULL,
    violation      REAL NOT NULL,
    evaluator_keys TEXT NOT NULL
);
CREATE TABLE evaluations (
    key       TEXT PRIMARY KEY,
    evaluator TEXT NOT NULL,
    plugin    TEXT NOT NULL,
    version   TEXT NOT NULL,
    outcome   TEXT NOT NULL CHECK (outcome IN ('ok', 'infeasible', 'failed')),
    reason    TEXT,
    metrics   TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE wall (
    trial     INTEGER NOT NULL,
    evaluator TEXT NOT NULL,
    purpose   TEXT NOT NULL,
    name      TEXT NOT NULL,
    value     REAL NOT NULL,
    PRIMARY KEY (trial, evaluator, purpose, name)
) WITHOUT ROWID;
CREATE TABLE final (
    trial          INTEGER PRIMARY KEY,
    status         TEXT NOT NULL,
    reason         TEXT,
    metrics        TEXT NOT NULL,
    evaluator_keys TEXT NOT NULL
);
";
