//! See `codebench_tests::fuzz::cnn_file`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| codebench_tests::fuzz::cnn_file(data));
