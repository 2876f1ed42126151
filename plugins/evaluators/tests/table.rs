//! `codebench/table` with small tables, and with all of NAS-Bench-201 where it is there.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use codebench_conformance::{Options, Status, check};
use codebench_evaluators::PLUGINS;
use codebench_sdk::api::{Catalog, ErrorKind};
use codebench_sdk::prelude::*;
use parquet::basic::{Compression, GzipLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

const ID: &str = "codebench/table";

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-evaluators", PLUGINS).unwrap();
    catalog
}

fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    let value = |value: &str| match value.parse() {
        Ok(number) => ParameterValue::Integer(number),
        Err(_) => ParameterValue::Text(value.into()),
    };
    pairs.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect()
}

fn job(candidate: &[u32], values: &[(&str, ParameterValue)]) -> Job {
    Job {
        v: Job::VERSION,
        trial: 0,
        purpose: Purpose::Search,
        candidate: Genotype(candidate.to_vec()),
        values: values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        cnn: None,
        workload: None,
        published: None,
        accelerator: None,
        data: None,
        recipe: None,
        resume_from: None,
        donor: None,
        seed: 0,
        limits: Limits::default(),
        upstream: BTreeMap::new(),
    }
}

/// A kernel and an operation.
fn pair(kernel: i64, op: &str) -> Job {
    job(&[0, 1], &[("kernel", ParameterValue::Integer(kernel)), ("op", ParameterValue::Text(op.into()))])
}

struct File(tempfile::TempDir);

impl File {
    fn new(bytes: &[u8]) -> File {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), bytes).unwrap();
        File(folder)
    }

    fn make(&self, more: &[(&str, &str)]) -> Result<Box<dyn Evaluator>, PluginError> {
        let path = self.0.path().join("t.csv").display().to_string();
        let mut given = parameters(&[("key", "kernel, op"), ("file", &path)]);
        given.extend(parameters(more));
        catalog().evaluator(ID, &given)
    }

    fn refused(&self, more: &[(&str, &str)]) -> String {
        let error = self.make(more).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Invalid);
        error.message.replace(&self.0.path().display().to_string(), "")
    }
}

const TABLE: &str =
    "kernel,op,accuracy,test_accuracy,note\n1,conv,90.5,91,a\n3.0,conv,92,93,b\n3,pool,,70,c\n";
const METRICS: (&str, &str) = ("metrics", "accuracy, test = test_accuracy");

#[test]
fn candidates_are_found_by_the_values_of_their_choices() {
    let table = File::new(TABLE.as_bytes()).make(&[METRICS]).unwrap();
    let contents = table.reads().contents;
    assert_eq!(contents.as_ref().map(String::len), Some(64));
    assert_eq!(table.reads(), Reads { candidate: true, contents: contents.clone(), ..Reads::default() });
    let other = File::new(TABLE.replace("90.5", "90.6").as_bytes()).make(&[METRICS]).unwrap();
    assert_ne!(other.reads().contents, contents);
    let values = |job: &Job| table.evaluate(job).unwrap().values;
    assert_eq!(values(&pair(1, "conv")), BTreeMap::from([("accuracy".into(), 90.5), ("test".into(), 91.0)]));
    // 3 is the row 3.0; what was not measured is left out.
    assert_eq!(values(&pair(3, "conv"))["accuracy"], 92.0);
    assert_eq!(values(&pair(3, "pool")), BTreeMap::from([("test".into(), 70.0)]));
}

#[test]
fn joined_keys_take_leading_indices_or_the_values_named() {
    let file = File::new(b"key,accuracy\n01-11,1\n01,2\nconv/3,3\n3/conv,4\n");
    let of = |more: &[(&str, &str)], job: &Job| {
        let mut given = vec![("key", "key")];
        given.extend(more);
        file.make(&given).unwrap().evaluate(job).unwrap().values["accuracy"]
    };
    let three = [("b", ParameterValue::Integer(3)), ("a", ParameterValue::Text("conv".into()))];
    assert_eq!(of(&[("form", "joined-indices"), ("leading", "2")], &job(&[0, 1, 7], &three)), 2.0);
    assert_eq!(of(&[("form", "joined-indices")], &job(&[0, 1], &three)), 2.0);
    assert_eq!(of(&[("form", "joined-values"), ("separator", "/")], &job(&[0], &three)), 3.0);
    let backwards = [("form", "joined-values"), ("separator", "/"), ("choices", "b, a")];
    assert_eq!(of(&backwards, &job(&[0], &three)), 4.0);
}

#[test]
fn a_candidate_that_is_not_there_is_a_failure_or_infeasible() {
    let file = File::new(TABLE.as_bytes());
    let error = |more: &[(&str, &str)], job: &Job| file.make(more).unwrap().evaluate(job).unwrap_err();
    let failed = error(&[METRICS], &pair(5, "conv"));
    assert_eq!(failed.kind, ErrorKind::Failed);
    assert!(failed.message.contains("has no row with kernel = 5, op = conv: give a table"), "{failed}");
    assert_eq!(error(&[METRICS, ("missing", "infeasible")], &pair(5, "conv")).kind, ErrorKind::Infeasible);
    assert_eq!(error(&[METRICS], &job(&[], &[])).kind, ErrorKind::Invalid);
}

#[test]
fn a_wrong_table_is_refused_with_row_and_column() {
    let refused = |text: &str, more: &[(&str, &str)]| File::new(text.as_bytes()).refused(more);
    let cell = refused("kernel,op,accuracy\n1,a,9\n3,a,high\n", &[]);
    assert!(cell.starts_with("/t.csv: row 3, column `accuracy`: \"high\" is no finite number"), "{cell}");
    assert!(refused("kernel,op,accuracy\n1,a,NaN\n", &[]).contains("row 2, column `accuracy`"));
    let twice = refused("kernel,op,accuracy\n1,a,9\n2,a,9\n1.0,a,8\n", &[]);
    assert!(twice.contains("rows 2 and 4 have the same key (kernel = 1, op = a)"), "{twice}");
    assert!(refused("kernel,op,accuracy\n1,a\n", &[]).contains("row 2 cannot be read"));
    assert!(refused("kernel,op,accuracy\n", &[]).contains("has no rows"));
    assert!(refused("kernel,accuracy\n1,2\n", &[]).contains("has no column `op`: it has kernel, accuracy"));
    assert!(refused("kernel,op,op\n1,a,2\n", &[]).contains("column `op` more than once"));
    assert!(refused("kernel,op,Top-1\n1,a,2\n", &[]).contains("write `name = column` in `metrics`"));
    assert!(refused(TABLE, &[("metrics", "a = accuracy, a = test_accuracy")]).contains("`a` is given twice"));
    assert!(refused(TABLE, &[("form", "joined-values")]).contains("give one column for a joined key"));
    let hash = refused(TABLE, &[METRICS, ("sha256", "00ff")]);
    assert!(hash.contains("has SHA-256 ") && hash.contains(", not 00ff: give that file"), "{hash}");
    let missing =
        catalog().evaluator(ID, &parameters(&[("file", "no/such.csv"), ("key", "a")])).err().unwrap();
    assert!(missing.message.starts_with("no/such.csv cannot be read"), "{missing}");
}

#[test]
fn a_gzipped_table_is_unpacked_and_a_torn_one_refused() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(TABLE.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let table = File::new(&packed).make(&[METRICS]).unwrap();
    assert_eq!(table.evaluate(&pair(1, "conv")).unwrap().values["accuracy"], 90.5);
    let torn = File::new(&packed[..packed.len() - 12]).refused(&[METRICS]);
    assert!(torn.contains("cannot be unpacked"), "{torn}");
}

/// The table as Parquet, in two row groups.
fn parquet(compression: Compression) -> Vec<u8> {
    let schema = "message table { required int64 kernel; required binary op (UTF8); optional double accuracy;
        required float test_accuracy; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
    for (kernels, ops, accuracies, tests) in [
        (vec![1, 3], vec!["conv", "conv"], vec![Some(90.5), Some(92.0)], vec![91.0, 93.0]),
        (vec![3], vec!["pool"], vec![None], vec![70.1]),
    ] {
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&kernels, None, None).unwrap();
        column.close().unwrap();
        let ops: Vec<ByteArray> = ops.into_iter().map(ByteArray::from).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&ops, None, None).unwrap();
        column.close().unwrap();
        let defined: Vec<i16> = accuracies.iter().map(|a| i16::from(a.is_some())).collect();
        let accuracies: Vec<f64> = accuracies.into_iter().flatten().collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&accuracies, Some(&defined), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<FloatType>().write_batch(&tests, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

#[test]
fn a_parquet_table_is_read_as_the_same_table_in_csv() {
    for compression in
        [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(GzipLevel::default())]
    {
        let table = File::new(&parquet(compression)).make(&[METRICS]).unwrap();
        let values = |job: &Job| table.evaluate(job).unwrap().values;
        let both = BTreeMap::from([("accuracy".into(), 90.5), ("test".into(), 91.0)]);
        assert_eq!(values(&pair(1, "conv")), both);
        assert_eq!(values(&pair(3, "conv"))["accuracy"], 92.0);
        // A single-precision number is the decimal that it was written as; an absent one is no metric.
        assert_eq!(values(&pair(3, "pool")), BTreeMap::from([("test".into(), 70.1)]));
    }
    let whole = parquet(Compression::UNCOMPRESSED);
    // What is read is what was hashed, not the file once more, which may be another by then, or packed.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&whole).unwrap();
    let packed = File::new(&encoder.finish().unwrap()).make(&[METRICS]).unwrap();
    assert_eq!(packed.evaluate(&pair(3, "conv")).unwrap().values["accuracy"], 92.0);
    let torn = File::new(&whole[..whole.len() - 9]).refused(&[METRICS]);
    assert!(torn.contains("cannot be read as Parquet"), "{torn}");
    for cut in 4..whole.len() {
        let mut broken = whole.clone();
        broken[cut] ^= 0x5a;
        // Whatever it says, it says: it neither panics nor hangs.
        drop(File::new(&broken).make(&[METRICS]));
    }
}

#[test]
fn the_contract_of_evaluators_is_kept() {
    let file = File::new(TABLE.as_bytes());
    let path = file.0.path().join("t.csv").display().to_string();
    let given = parameters(&[("file", &path), ("key", "kernel, op"), METRICS]);
    let options =
        Options { parameters: given, jobs: vec![pair(1, "conv"), pair(3, "pool")], ..Options::default() };
    let report = check(&catalog(), ID, &options).unwrap();
    assert!(report.ok() && report.count(Status::Skipped) == 0, "{report}");
}

#[test]
fn nasbench201_has_its_published_optimum() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/nasbench201/nasbench201.csv.gz");
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return;
    }
    let table = catalog()
        .evaluator(
            ID,
            &parameters(&[
                ("file", &path.display().to_string()),
                ("key", "ops"),
                ("form", "joined-indices"),
                ("metrics", "validation_accuracy = c10_val_e200, test_accuracy = c10_test_e200"),
            ]),
        )
        .unwrap();
    let cell = |indices: [u32; 6]| table.evaluate(&job(&indices, &[])).unwrap().values;
    assert_eq!(cell([3, 3, 3, 1, 3, 2])["test_accuracy"], 94.373);
    assert_eq!(cell([4, 2, 1, 2, 1, 1])["validation_accuracy"], 81.983);
}
