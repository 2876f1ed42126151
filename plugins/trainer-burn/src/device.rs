//! Where an engine computes: the processor, or a GPU in builds that have one of the features `wgpu` and `cuda`.

use burn::tensor::Device;
use codebench_sdk::prelude::PluginError;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The processor, which every build has.
pub(crate) const FLEX: &str = "flex";

/// All devices, those that this build lacks included: a description is the same in every build.
pub(crate) const DEVICES: [&str; 3] = [FLEX, "wgpu", "cuda"];

/// The devices of this build.
const BUILT: &[&str] = &[
    FLEX,
    #[cfg(feature = "wgpu")]
    "wgpu",
    #[cfg(feature = "cuda")]
    "cuda",
];

/// Where to compute.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) device: Device,
    /// Whether it is another device than the processor, with another back end of burn.
    pub(crate) gpu: bool,
}

impl Target {
    /// The same, for tensors with gradients.
    pub(crate) fn autodiff(&self) -> Target {
        Target { device: self.device.clone().autodiff(), gpu: self.gpu }
    }
}

/// Opens the device called `name`, one of [`DEVICES`]. A GPU is opened once in a process and shared.
///
/// # Errors
/// A device that this build or this machine lacks, with what it has and what to do.
pub(crate) fn open(name: &str) -> Result<Target, PluginError> {
    let device = match name {
        FLEX => Device::flex(),
        #[cfg(feature = "wgpu")]
        "wgpu" => wgpu()?,
        #[cfg(feature = "cuda")]
        "cuda" => cuda()?,
        other => {
            return Err(PluginError::invalid(format!(
                "device = \"{other}\": this build has {}; build it with `--features {other}`, or give device = \"{FLEX}\"",
                BUILT.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" and ")
            )));
        }
    };
    Ok(Target { device, gpu: name != FLEX })
}

#[cfg(feature = "wgpu")]
fn wgpu() -> Result<Device, PluginError> {
    use std::sync::OnceLock;
    // burn refuses to open a device a second time.
    static OPENED: OnceLock<Result<Device, String>> = OnceLock::new();
    let opened = OPENED.get_or_init(|| {
        caught(|| Device::wgpu_options().init().map_err(|e| e.to_string())).unwrap_or_else(Err)
    });
    opened.clone().map_err(|reason| {
        PluginError::invalid(format!(
            "device = \"wgpu\": no GPU can be opened ({reason}); install a driver for Vulkan, Metal or DirectX 12, or give device = \"{FLEX}\""
        ))
    })
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<Device, PluginError> {
    use burn::tensor::DeviceType;
    use std::sync::OnceLock;
    static OPENED: OnceLock<Result<Device, String>> = OnceLock::new();
    let opened = OPENED.get_or_init(|| {
        caught(|| {
            let first = Device::enumerate(DeviceType::Cuda).into_iter().next();
            let device = first.ok_or("there is no driver or no device")?;
            // A client is made at first use, and panics if the device refuses.
            device.identity();
            Ok(device)
        })
        .unwrap_or_else(Err)
    });
    opened.clone().map_err(|reason| {
        PluginError::invalid(format!(
            "device = \"cuda\": no CUDA device can be opened ({reason}); install NVIDIA's driver and CUDA, or give device = \"{FLEX}\""
        ))
    })
}

/// What `call` answers, or what it said when it panicked.
fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| said(panic.as_ref()).to_owned())
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// Computes with burn, whose drivers panic where they might answer an error: out of memory, a device that is lost.
///
/// # Errors
/// Those of `call`, and its panic.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T, PluginError>) -> Result<T, PluginError> {
    caught(call).unwrap_or_else(|said| Err(PluginError::failed(format!("burn panicked: {said}"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::api::ErrorKind;

    #[test]
    fn a_device_that_the_build_lacks_is_refused_with_what_it_has() {
        let processor = open(FLEX).unwrap();
        assert_eq!((processor.device, processor.gpu), (Device::flex(), false));
        let lacking: Vec<&str> = DEVICES.into_iter().filter(|name| !BUILT.contains(name)).collect();
        for name in &lacking {
            let error = open(name).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid);
            assert!(
                error.message.starts_with(&format!("device = \"{name}\": this build has \"flex\"")),
                "{error}"
            );
            assert!(
                error
                    .message
                    .ends_with(&format!("; build it with `--features {name}`, or give device = \"flex\"")),
                "{error}"
            );
        }
        let features = usize::from(cfg!(feature = "wgpu")) + usize::from(cfg!(feature = "cuda"));
        assert_eq!(lacking.len(), 2 - features);
    }

    #[test]
    fn a_panic_of_burn_is_an_error() {
        let error = guarded::<()>(|| panic!("out of {}", "memory")).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Failed, "burn panicked: out of memory"));
        assert_eq!(guarded(|| Ok(1)), Ok(1));
    }
}
