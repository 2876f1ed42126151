//! How many banks, ranks and channels a memory has, and how addresses spread over them.

use codebench_sdk::prelude::*;

/// Largest default of `interleave_bytes`.
const LARGEST_INTERLEAVE: u64 = 4096;

/// Banks, ranks and channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Organisation {
    pub(crate) banks_per_rank: u64,
    pub(crate) ranks: u64,
    pub(crate) channels: u64,
    pub(crate) interleave_bytes: u64,
}

impl Organisation {
    /// The parameters of every memory; the default is the first of the paper's `list`.
    pub(crate) fn parameters(list: &[[u64; 3]]) -> Vec<ParameterDescription> {
        let [banks, ranks, channels] = list.first().copied().unwrap_or([16, 2, 2]).map(|n| n as i64);
        let listed: Vec<String> = list.iter().map(|o| format!("{o:?}")).collect();
        vec![
            ParameterDescription::integer(
                "organisation",
                0,
                list.len() as i64,
                0,
                &format!(
                    "One of the paper's [banks, ranks, channels], counted from 1: {}; 0 takes `banks`, `ranks` and `channels`.",
                    listed.join(" ")
                ),
            ),
            ParameterDescription::integer("banks", 1, 1024, banks, "Banks per rank, if organisation = 0."),
            ParameterDescription::integer("ranks", 1, 64, ranks, "Ranks per channel, if organisation = 0."),
            ParameterDescription::integer(
                "channels",
                1,
                256,
                channels,
                "Independent channels, if organisation = 0.",
            ),
            ParameterDescription::integer(
                "interleave_bytes",
                0,
                1 << 30,
                0,
                "Consecutive bytes on one channel: whole bursts that divide a row; 0 is a row, at most 4096.",
            )
            .unit("bytes"),
        ]
    }

    /// What the configuration asks for.
    pub(crate) fn of(
        configuration: &Configuration<'_>,
        list: &[[u64; 3]],
        row_bytes: u64,
        burst_bytes: u64,
    ) -> Result<Organisation, PluginError> {
        let count = |name: &str| configuration.integer(name).map(i64::unsigned_abs);
        let [banks_per_rank, ranks, channels] = match count("organisation")? {
            0 => [count("banks")?, count("ranks")?, count("channels")?],
            n => usize::try_from(n - 1).ok().and_then(|i| list.get(i)).copied().ok_or_else(|| {
                PluginError::invalid(format!("organisation = {n} is out of range: give 0 to {}", list.len()))
            })?,
        };
        let interleave_bytes = match count("interleave_bytes")? {
            0 => row_bytes.min(LARGEST_INTERLEAVE),
            given if given % burst_bytes == 0 && row_bytes.is_multiple_of(given) => given,
            given => {
                return Err(PluginError::invalid(format!(
                    "interleave_bytes = {given}: give a multiple of the burst of {burst_bytes} bytes that divides the row \
                     of {row_bytes} bytes"
                )));
            }
        };
        Ok(Organisation { banks_per_rank, ranks, channels, interleave_bytes })
    }
}
