//! A store that cannot be used says why, and keeps what it holds.

use super::{Evaluation, Founding, STORE, Store, StoreError, write_atomically};
use codebench_model::{Metrics, Status};
use std::path::Path;
use tempfile::{TempDir, tempdir};

fn open(out: &Path) -> Result<Store, StoreError> {
    let facts = [("name", "test".to_owned())];
    Store::open(out, true, &Founding { facts: &facts, plugins: &[] })
}

/// A store with some evaluations.
fn filled(evaluations: u32) -> TempDir {
    let out = tempdir().unwrap();
    let mut store = open(out.path()).unwrap();
    for i in 0..evaluations {
        store.commit_evaluation(&evaluation(i, 100), &[]).unwrap();
    }
    out
}

fn evaluation(i: u32, layers: usize) -> Evaluation {
    let mut metrics = Metrics::default();
    metrics.values.insert("x".into(), 0.1 + f64::from(i));
    metrics.per_layer.insert("y".into(), vec![1.0 / 3.0; layers]);
    Evaluation {
        key: format!("key {i}"),
        evaluator: "e".into(),
        plugin: "fake/e".into(),
        version: "0.1.0".into(),
        status: Status::Ok,
        reason: None,
        metrics,
    }
}

#[test]
fn what_is_stored_is_read_back() {
    let out = filled(3);
    let store = open(out.path()).unwrap();
    assert_eq!(store.evaluation("key 2").unwrap(), Some(evaluation(2, 100)));
    assert_eq!(store.evaluation("key 9").unwrap(), None);
    assert_eq!(store.fact("name").unwrap().as_deref(), Some("test"));
}

#[test]
fn a_damaged_store_is_refused_and_not_changed() {
    let damages: [fn(&mut Vec<u8>); 3] = [
        |bytes| bytes[..16].copy_from_slice(b"not a database!!"),
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes[4096..].iter_mut().for_each(|b| *b = b.wrapping_mul(31).wrapping_add(7)),
    ];
    for damage in damages {
        let out = filled(200);
        let path = out.path().join(STORE);
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes);
        std::fs::write(&path, &bytes).unwrap();
        let error = open(out.path()).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("is damaged"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

/// Every way in which another program may have changed a store.
#[test]
fn a_store_changed_from_outside_is_damaged() {
    let changes = [
        ("PRAGMA user_version = 0", "its version is 0"),
        ("DROP TABLE evaluations", "no such table: evaluations"),
        ("UPDATE evaluations SET metrics = 'x'", "expected value"),
        ("UPDATE evaluations SET metrics = x'00'", "Blob"),
        ("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'x' WHERE name = 'asks'", "malformed"),
    ];
    for (change, reason) in changes {
        let out = filled(1);
        let connection = rusqlite::Connection::open(out.path().join(STORE)).unwrap();
        connection.execute_batch(change).unwrap();
        drop(connection);
        let error = open(out.path()).and_then(|store| store.evaluation("key 0")).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{change}: {error:?}");
        assert!(error.to_string().contains(reason), "{change}: {error}");
    }
}

#[test]
fn a_trial_without_its_row_is_damage() {
    for (missing, named) in [(0, 0), (2, 2)] {
        let out = filled(0);
        let connection = rusqlite::Connection::open(out.path().join(STORE)).unwrap();
        for trial in (0..3).filter(|trial| *trial != missing) {
            let row = format!("INSERT INTO asks VALUES ({trial}, 0, '[{trial}]', 'strategy')");
            connection.execute_batch(&row).unwrap();
        }
        let record = "PRAGMA foreign_keys = OFF; INSERT INTO records VALUES (2, 0, '[2]', 'ok', NULL, '{}', '[1.0]', 0.0, '{}')";
        connection.execute_batch(record).unwrap();
        drop(connection);
        let error = open(out.path()).unwrap().asks().unwrap_err().to_string();
        assert!(error.contains(&format!("is damaged (the row of trial {named} is missing")), "{error}");
    }
}

#[test]
fn a_damaged_page_is_reported_in_one_line() {
    let out = filled(200);
    let path = out.path().join(STORE);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4100..4130].fill(0xff);
    std::fs::write(&path, &bytes).unwrap();
    let error = open(out.path()).unwrap_err().to_string();
    assert!(error.contains("is damaged") && error.lines().count() == 1 && !error.contains("***"), "{error}");
}

#[test]
fn a_store_of_a_newer_version_is_refused() {
    let out = filled(1);
    let connection = rusqlite::Connection::open(out.path().join(STORE)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = open(out.path()).unwrap_err().to_string();
    assert!(error.contains("newer codebench (store version 99, this one reads up to 1)"), "{error}");
}

#[test]
fn another_programs_database_is_refused() {
    let out = tempdir().unwrap();
    let connection = rusqlite::Connection::open(out.path().join(STORE)).unwrap();
    connection.execute_batch("CREATE TABLE cakes (name TEXT)").unwrap();
    drop(connection);
    let error = open(out.path()).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}

#[test]
fn a_database_held_by_another_program_is_an_error_in_time() {
    let out = filled(1);
    let mut store = open(out.path()).unwrap();
    let connection = rusqlite::Connection::open(out.path().join(STORE)).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.commit_evaluation(&evaluation(7, 1), &[]).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    connection.execute_batch("ROLLBACK").unwrap();
    store.commit_evaluation(&evaluation(7, 1), &[]).unwrap();
}

#[test]
fn a_full_disk_is_an_error_and_keeps_what_is_stored() {
    let out = filled(2);
    let mut store = open(out.path()).unwrap();
    let pages = store.integer("page_count").unwrap();
    store.pragma("max_page_count", &(pages + 2).to_string()).unwrap();
    let error = store.commit_evaluation(&evaluation(5, 100_000), &[]).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    drop(store);
    let mut store = open(out.path()).unwrap();
    assert_eq!(store.evaluation("key 1").unwrap(), Some(evaluation(1, 100)));
    assert_eq!(store.evaluation("key 5").unwrap(), None);
    store.commit_evaluation(&evaluation(5, 100_000), &[]).unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let out = tempdir().unwrap();
    let file = out.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = open(&file.join("out")).unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }), "{error}");
    assert!(error.to_string().contains("--out"), "{error}");
}

#[test]
fn an_empty_file_is_a_store_that_was_killed_while_it_was_made() {
    let out = tempdir().unwrap();
    std::fs::write(out.path().join(STORE), "").unwrap();
    assert_eq!(open(out.path()).unwrap().fact("name").unwrap().as_deref(), Some("test"));
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let out = tempdir().unwrap();
    let path = out.path().join("a.csv");
    write_atomically(&path, b"one").unwrap();
    write_atomically(&path, b"two").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"two");
    // A folder in the way: the text cannot take its place.
    let blocked = out.path().join("b.csv");
    std::fs::create_dir(&blocked).unwrap();
    let error = write_atomically(&blocked, b"one").unwrap_err();
    assert!(matches!(error, StoreError::Write { .. }), "{error}");
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 2, "nothing half-written is left");
}
