//! The first look at a library, in a child process: it is opened, each plugin is made with its defaults, and one call is
//! made. What hangs, aborts or crashes there is refused, and the host lives.

use super::process::{Tail, wait};
use super::{ends_with_parent, open, private_copy};
use crate::{HostError, ReadFile};
use codebench_api::{
    Catalog, ChannelRequest, Entry, ErrorKind, Kind, LowerContext, PluginError, Semantics, StrategyContext,
    SurrogateContext,
};
use codebench_model::{
    Block, Choice, HardwareContext, ParameterValue, Parameters, Space, TensorShape, TileCost, TileWork,
    TransferCost, TransferProfile,
};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// How long the look may take.
const LIMIT: Duration = Duration::from_secs(10);

/// What helps a library that does not survive the look.
const MEND: &str = ": mend what its initialisers, its constructors or that call do";

/// How much longer the child lets itself live than the host does.
const SPARE: Duration = Duration::from_secs(5);

/// Who looks at a library first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checker {
    /// A process: this program with these arguments and the file behind them. It calls [`check_in_this_process`], prints the
    /// answer on a line of its own and ends with status 0.
    Process {
        /// The program, usually the one that is running.
        program: PathBuf,
        /// Its arguments before the file.
        arguments: Vec<String>,
        /// How long it may take.
        limit: Duration,
    },
    /// Nobody: a file that hangs or crashes takes the host with it.
    Nobody,
}

impl Checker {
    /// The running program with these arguments, for ten seconds.
    ///
    /// # Errors
    /// A system that does not tell which program is running.
    pub fn this_program(arguments: &[&str]) -> io::Result<Checker> {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Ok(Checker::Process { program: std::env::current_exe()?, arguments, limit: LIMIT })
    }

    /// Looks at `copy`, which lies in `folder`, unless this version of codebench has done so before.
    pub(super) fn check_once(&self, file: &ReadFile, copy: &Path, folder: &Path) -> Result<(), HostError> {
        let Checker::Process { program, arguments, limit } = self else { return Ok(()) };
        let note = private_copy::note(folder, &file.sha256);
        let version = env!("CARGO_PKG_VERSION");
        if std::fs::read_to_string(&note).is_ok_and(|noted| noted == version) {
            return Ok(());
        }
        look(program, arguments, copy, *limit, &file.sha256).map_err(|reason| {
            // The user's file, not the copy.
            file.refused(reason.replace(&copy.display().to_string(), &file.path.display().to_string()))
        })?;
        crate::folders::write_whole(folder, &note, version.as_bytes())
            .map_err(|e| crate::kept::cannot_write(folder, &note, &e))
    }

    /// Forgets that `sha256` was looked at.
    pub(crate) fn forget(sha256: &str) {
        if let Ok(folder) = private_copy::users_folder() {
            // Nothing is lost if it was never looked at.
            let _ = std::fs::remove_file(private_copy::note(&folder, sha256));
        }
    }
}

/// Runs the child and judges how it ended.
fn look(
    program: &Path,
    arguments: &[String],
    copy: &Path,
    limit: Duration,
    sha256: &str,
) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).arg(copy);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    // This process judges at its limit; the child's own is for a host that cannot.
    ends_with_parent(&mut command, Some(limit + SPARE));
    let mut child =
        command.spawn().map_err(|e| format!("the process that looks at it first cannot be started: {e}"))?;
    let output = Tail::of(child.stdout.take());
    let ended = wait(&mut child, limit).map_err(|e| format!("the process that looks at it first: {e}"))?;
    let Some(status) = ended else {
        return Err(format!(
            "it did not answer within {} s when it was loaded, made and called once{MEND}",
            limit.as_secs_f64()
        ));
    };
    let said = output.text();
    match said.lines().find_map(|line| line.strip_prefix("refused: ")) {
        Some(reason) => Err(reason.to_owned()),
        None if status.success() && said.lines().any(|line| line == sha256) => Ok(()),
        None => Err(format!("it {} when it was loaded, made and called once{MEND}", end(status))),
    }
}

fn end(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let meaning = match signal {
            4 => " (illegal instruction)",
            6 => " (abort)",
            7 => " (bus error)",
            8 => " (arithmetic)",
            11 => " (segmentation fault)",
            _ => "",
        };
        return format!("ended its process by signal {signal}{meaning}");
    }
    match status.code() {
        Some(code) => format!("ended its process with status {code}"),
        None => "ended its process".to_owned(),
    }
}

/// What the child does: opens the library `copy`, makes each plugin with its defaults and calls it once. Answers the line to
/// print: the file's hash, or `refused: ` and why.
pub fn check_in_this_process(copy: &Path) -> String {
    match checked(copy) {
        Ok(sha256) => sha256,
        Err(reason) => format!("refused: {reason}"),
    }
}

fn checked(copy: &Path) -> Result<String, String> {
    let file = ReadFile::read(copy, None).map_err(|e| e.to_string())?;
    let entries = open(&file, copy, None).map_err(|e| match e {
        HostError::Refused { reason, .. } => reason,
        other => other.to_string(),
    })?;
    let mut catalog = Catalog::default();
    for entry in &entries {
        catalog.add(entry.clone()).map_err(|e| e.to_string())?;
    }
    for entry in &entries {
        match call_once(&catalog, entry) {
            Err(error) if error.kind == ErrorKind::Contract => {
                return Err(format!("its plugin `{}` breaks the contract: {error}", entry.info.id));
            }
            // A plugin may refuse what it is asked here: that is no fault.
            _ => {}
        }
    }
    Ok(file.sha256)
}

/// Makes a plugin with its defaults and asks it something small.
fn call_once(catalog: &Catalog, entry: &Entry) -> Result<(), PluginError> {
    let (id, defaults, hardware) = (&entry.info.id, Parameters::new(), HardwareContext::default());
    match entry.kind() {
        Kind::CnnOp => {
            let op = catalog.cnn_op(id, &defaults)?;
            let image = TensorShape { channels: 4, height: 8, width: 8 };
            let context =
                LowerContext { default_channels: 4, classes: 10, image, semantics: Semantics::Explicit };
            let keyword = entry.info.keywords.first().cloned().unwrap_or_default();
            let request = ChannelRequest { keyword, arguments: String::new(), input_channels: 4, context };
            op.output_channels(&request).map(|_| ())
        }
        Kind::AccelModule => catalog
            .accel_module(id, &defaults, hardware)?
            .cost(&[ones::<TileWork>()], &mut [TileCost::default()]),
        Kind::Memory => {
            let memory = catalog.memory(id, &defaults, hardware)?;
            memory.cost(&[ones::<TransferProfile>()], &mut [TransferCost::default()])
        }
        Kind::Surrogate => {
            let blocks = vec![(Block::Accelerator, 0..1)];
            let context = SurrogateContext { seed: 0, inputs: 1, outputs: 1, blocks };
            let mut surrogate = catalog.surrogate(id, &defaults, &context)?;
            surrogate.fit(&[0.0, 1.0], &[0.0, 1.0])?;
            surrogate.predict(&[0.5], 1).map(|_| ())
        }
        Kind::Strategy => {
            let context = StrategyContext { space: small_space(), seed: 0, objectives: 1 };
            catalog.strategy(id, &defaults, &context)?.ask(1).map(|_| ())
        }
        Kind::Evaluator => catalog.evaluator(id, &defaults).map(|evaluator| drop(evaluator.reads())),
        Kind::Engine => catalog.engine(id, &defaults).map(drop),
        Kind::Executor | Kind::PublishedConstants => Ok(()),
    }
}

/// A row of ones: one of everything.
fn ones<R: bytemuck::Pod>() -> R {
    let mut row = R::zeroed();
    bytemuck::cast_slice_mut::<R, u64>(std::slice::from_mut(&mut row)).fill(1);
    row
}

fn small_space() -> Space {
    let values = vec![ParameterValue::Integer(1), ParameterValue::Integer(2)];
    let choice =
        Choice { name: "pib".into(), block: Block::Accelerator, values, ordered: true, when: Vec::new() };
    Space { v: Space::VERSION, name: "smoke".into(), choices: vec![choice], cnn: None, accelerator: None }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::time::Instant;

    /// What is said of a library whose look is this script.
    fn look_of(script: &str, limit: Duration) -> Result<(), String> {
        let arguments = ["-c".to_owned(), script.to_owned()];
        look(Path::new("sh"), &arguments, Path::new("library.so"), limit, "5ha")
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn more_output_than_a_pipe_holds_is_no_hang() {
        let much = "head -c 300000 /dev/zero | tr '\\0' x; echo;";
        assert_eq!(look_of(&format!("{much} echo 5ha"), LONG), Ok(()));
        assert_eq!(look_of(&format!("{much} echo 'refused: at the end'"), LONG), Err("at the end".into()));
    }

    #[test]
    fn what_the_look_has_started_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("pid");
        let started = Instant::now();
        let sleeper = format!("sleep 600 & echo $! > '{}';", note.display());
        // A process that was killed is there for a moment longer; this one would be for ten minutes.
        let ended = || {
            let pid = std::fs::read_to_string(&note).unwrap();
            let stat = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
            let gone = || {
                let state = std::fs::read_to_string(&stat).unwrap_or_default();
                state.is_empty() || state.contains(") Z ")
            };
            let since = Instant::now();
            while !gone() && since.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(5));
            }
            gone()
        };
        assert_eq!(look_of(&format!("{sleeper} echo 5ha"), LONG), Ok(()));
        assert!(ended());
        let refused = look_of(&format!("{sleeper} sleep 600"), Duration::from_millis(500));
        assert!(refused.is_err_and(|reason| reason.starts_with("it did not answer within 0.5 s")));
        assert!(ended());
        assert!(started.elapsed() < LONG);
    }

    #[test]
    fn a_process_that_left_the_group_with_the_output_is_not_waited_for() {
        let started = Instant::now();
        assert_eq!(look_of("setsid sleep 20 & echo 5ha", LONG), Ok(()));
        assert!(started.elapsed() < Duration::from_secs(15));
    }
}
