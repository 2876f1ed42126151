//! The device `wgpu`: the executable contract, and what is not there.

use codebench_api::ErrorKind;
use codebench_conformance::{Options, check};
use codebench_engines::{ENGINES, built_in, on_wgpu, wgpu_pair};
use std::process::Command;

#[test]
fn the_device_keeps_the_contract() {
    let Some(pair) = wgpu_pair() else { return };
    let options = Options { parameters: on_wgpu(), ..Options::default() };
    let report = check(&pair.catalog, ENGINES[0], &options).unwrap();
    assert!(report.ok(), "{report}");
}

/// In a process of its own, which asks for an adapter that no machine has.
#[test]
fn a_device_that_the_machine_lacks_is_refused_before_anything_is_trained() {
    const CHILD: &str = "CODEBENCH_WITHOUT_ADAPTER";
    const ADAPTER: &str = "CUBECL_WGPU_DEFAULT_DEVICE";
    if std::env::var_os(CHILD).is_some() {
        // Asked twice, for what a process remembers is another way.
        for _ in 0..2 {
            let error = built_in().engine(ENGINES[0], &on_wgpu()).map(drop).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid);
            assert!(error.message.starts_with("device = \"wgpu\": no GPU can be opened ("), "{error}");
            assert!(error.message.ends_with("or give device = \"flex\""), "{error}");
        }
        return;
    }
    let name = "wgpu::a_device_that_the_machine_lacks_is_refused_before_anything_is_trained";
    for adapter in ["DiscreteGpu(4242)", "no such thing"] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", name]).env(CHILD, "1").env(ADAPTER, adapter);
        let ran = child.output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("1 passed"), "{adapter}: {said}");
    }
}
