//! Timing of a memory with banks, in cycles of its clock.

use super::organisation::Organisation;
use crate::common::{each, product, sum};
use codebench_sdk::prelude::*;

/// Parameters of a device and its bus, by their usual names; durations in memory cycles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) clock_khz: u64,
    /// Transfers per cycle.
    pub(crate) data_rate: u64,
    pub(crate) bus_bits: u64,
    pub(crate) rows: u64,
    /// Bursts of a row.
    pub(crate) columns: u64,
    pub(crate) t_burst: u64,
    pub(crate) t_rcd: u64,
    pub(crate) t_cas: u64,
    pub(crate) t_rp: u64,
    pub(crate) t_ras: u64,
    /// Write pulse of resistive cells.
    pub(crate) t_wp: u64,
    pub(crate) t_ccd: u64,
    pub(crate) t_cwd: u64,
    pub(crate) t_wtr: u64,
    pub(crate) t_wr: u64,
    pub(crate) t_rtp: u64,
    pub(crate) t_rrd: u64,
    /// At most so many activates of a rank in a window of `t_raw`.
    pub(crate) raw: u64,
    pub(crate) t_raw: u64,
    pub(crate) t_rfc: u64,
    /// From one refresh to the next; 0 if it needs none.
    pub(crate) t_refi: u64,
}

/// Order of the events of every memory here.
pub(crate) const ACTIVATE: usize = 0;
pub(crate) const READ_BURST: usize = 1;
pub(crate) const WRITE_BURST: usize = 2;
pub(crate) const WRITE_BIT: usize = 3;

impl Timing {
    /// Bytes of one burst.
    pub(crate) fn burst_bytes(&self) -> u64 {
        self.bus_bits / 8 * self.data_rate * self.t_burst
    }

    /// Bytes of one row of a bank.
    pub(crate) fn row_bytes(&self) -> u64 {
        self.columns * self.burst_bytes()
    }

    /// Cycles between two bursts on the bus.
    pub(crate) fn spacing(&self) -> u64 {
        self.t_burst.max(self.t_ccd)
    }

    /// Facts without power and events.
    pub(crate) fn facts(&self, organisation: &Organisation) -> MemoryFacts {
        let Organisation { banks_per_rank, ranks, channels, interleave_bytes } = *organisation;
        let banks = banks_per_rank.saturating_mul(ranks).saturating_mul(channels);
        MemoryFacts {
            clock_khz: self.clock_khz,
            channels,
            ranks,
            banks_per_rank,
            row_bytes: self.row_bytes(),
            burst_bytes: self.burst_bytes(),
            interleave_bytes,
            capacity_bytes: banks.saturating_mul(self.rows).saturating_mul(self.row_bytes()),
            read_to_write_mem_cycles: (self.t_cas + 2).saturating_sub(self.t_cwd),
            write_to_read_mem_cycles: self.t_cwd + self.t_wtr,
            refresh_every_mem_cycles: self.t_refi,
            refresh_mem_cycles: if self.t_refi > 0 { self.t_rfc } else { 0 },
            ..MemoryFacts::default()
        }
    }

    /// The cost of each profile.
    pub(crate) fn cost(
        &self,
        organisation: &Organisation,
        profiles: &[TransferProfile],
        costs: &mut [TransferCost],
    ) -> Result<(), PluginError> {
        each(profiles, costs, |profile| self.one(organisation, profile))
    }

    fn one(
        &self,
        organisation: &Organisation,
        profile: &TransferProfile,
    ) -> Result<TransferCost, PluginError> {
        let writes = match profile.direction {
            0 => false,
            1 => true,
            other => {
                return Err(PluginError::invalid(format!(
                    "`direction` = {other}: give 0 to read or 1 to write"
                )));
            }
        };
        let opened = sum("row_activates", &[profile.row_activates, profile.row_conflicts])?;
        let visits = sum("row_hits", &[opened, profile.row_hits])?;
        let bursts =
            product("runs", &[profile.runs, profile.run_bytes.div_ceil(self.burst_bytes())])?.max(visits);
        if bursts == 0 {
            return Ok(TransferCost::default());
        }
        let bus = product("bus_mem_cycles", &[bursts, self.spacing()])?
            .max(self.busiest_bank(profile, bursts, opened, writes)?)
            .max(self.activation_limit(organisation, profile, opened)?);
        let mut cost = TransferCost {
            bus_mem_cycles: bus,
            first_byte_mem_cycles: self.first_byte(profile, writes),
            ..TransferCost::default()
        };
        cost.events[ACTIVATE] = opened;
        cost.events[if writes { WRITE_BURST } else { READ_BURST }] = bursts;
        if writes {
            cost.events[WRITE_BIT] = product("write_bit", &[profile.bytes, 8])?;
        }
        Ok(cost)
    }

    /// Latency before the first byte: precharge and activate, if any row is opened, and the column access.
    fn first_byte(&self, profile: &TransferProfile, writes: bool) -> u64 {
        let open = match (profile.row_activates, profile.row_conflicts) {
            (0, 0) => 0,
            (_, 0) => self.t_rcd,
            _ => self.t_rp + self.t_rcd,
        };
        open + if writes { self.t_cwd } else { self.t_cas }
    }

    /// Time of the busiest bank if work is spread evenly over those that the transfer visits: its bursts, each with its
    /// write pulse, and for every row after the first what it takes to close one and open the next. The first rows open
    /// before the first byte.
    fn busiest_bank(
        &self,
        profile: &TransferProfile,
        bursts: u64,
        opened: u64,
        writes: bool,
    ) -> Result<u64, PluginError> {
        let field = "bus_mem_cycles";
        let banks = profile.banks.max(1);
        let burst = self.spacing() + if writes { self.t_wp } else { 0 };
        let further_rows = opened.div_ceil(banks).saturating_sub(1);
        let recovery = if writes { self.t_wr } else { self.t_rtp };
        let reopen = recovery + self.t_rp + self.t_rcd;
        let working = sum(
            field,
            &[product(field, &[bursts.div_ceil(banks), burst])?, product(field, &[further_rows, reopen])?],
        )?;
        Ok(working.max(product(field, &[further_rows, self.t_ras + self.t_rp])?))
    }

    /// The least time between the first and the last activate of a rank, rows spread evenly over the ranks visited.
    fn activation_limit(
        &self,
        organisation: &Organisation,
        profile: &TransferProfile,
        opened: u64,
    ) -> Result<u64, PluginError> {
        let field = "bus_mem_cycles";
        let ranks = profile.banks.div_ceil(organisation.banks_per_rank).clamp(1, organisation.ranks);
        let further = opened.div_ceil(ranks).saturating_sub(1);
        let windows = product(field, &[further / self.raw, self.t_raw])?;
        Ok(windows.max(product(field, &[further, self.t_rrd])?))
    }
}
