//! Speed of job lines: the CNNs of the reference values on accelerators drawn uniformly from the published space, every job
//! different.

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the tests")]
mod support;

use codebench::jobs;
use codebench::simulators::Simulators;
use codebench_cnn::Language;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use std::io::Cursor;

/// Jobs of one measurement.
const JOBS: usize = 20_000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) as u128 * bound as u128) >> 64) as usize
    }

    fn of(&mut self, values: &[u64]) -> u64 {
        values[self.below(values.len())]
    }

    fn accelerator(&mut self) -> Value {
        let buffer: Vec<u64> = [1].into_iter().chain((2..=24).step_by(2)).collect();
        let each: Vec<u64> = (1..=8).collect();
        let kernel = self.of(&[1, 3, 5, 7]);
        let memories: Vec<(u64, u64)> =
            [(1, 6), (2, 4), (3, 1)].into_iter().flat_map(|(m, n)| (1..=n).map(move |c| (m, c))).collect();
        let (memory, configuration) = memories[self.below(memories.len())];
        json!([
            self.of(&[1, 2, 4]),
            self.of(&[1, 16]),
            self.of(&each),
            self.of(&each),
            self.of(&[1, 2, 4, 8]),
            kernel,
            kernel,
            self.of(&[1, 64, 128, 256, 512]),
            self.of(&buffer),
            self.of(&buffer),
            self.of(&[1, 2, 3, 4]),
            memory,
            configuration,
        ])
    }
}

/// Job lines and nothing else; CNNs that the released simulator cannot run are left out.
fn lines(count: usize) -> String {
    let cnns: Vec<Value> = support::cnns()
        .into_values()
        .filter(|job| job["crash"] == false)
        .map(|mut job| {
            if let Some(job) = job.as_object_mut() {
                job.remove("crash");
            }
            job
        })
        .collect();
    let mut random = Random(1);
    (0..count)
        .map(|id| {
            let mut job = cnns[random.below(cnns.len())].clone();
            job["id"] = json!(id);
            job["accelerator"] = random.accelerator();
            format!("{job}\n")
        })
        .collect()
}

fn job_lines(criterion: &mut Criterion) {
    let Ok(catalog) = codebench::catalog() else { return };
    let (Ok(language), Ok(simulators)) = (Language::new(&catalog), Simulators::new(&catalog)) else {
        return;
    };
    let text = lines(JOBS);
    let mut group = criterion.benchmark_group("jobs");
    group.throughput(Throughput::Elements(JOBS as u64)).sample_size(10);
    for threads in [1, 2] {
        group.bench_function(format!("threads-{threads}"), |bencher| {
            bencher.iter_batched(
                || Cursor::new(text.clone()),
                |reader| jobs::run(reader, &mut std::io::sink(), &language, &simulators, threads),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, job_lines);
criterion_main!(benches);
