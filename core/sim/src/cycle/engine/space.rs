//! Space in an on-chip buffer.

/// A buffer whose space is taken now and given back at known times.
#[derive(Debug, Clone, Default)]
pub(super) struct Space {
    capacity: u64,
    used: u64,
    peak: u64,
    /// When bytes are given back, ascending.
    releases: Vec<(u64, u64)>,
}

impl Space {
    pub(super) fn new(capacity: u64) -> Self {
        Space { capacity, ..Space::default() }
    }

    /// The earliest time, `now` or later, at which `bytes` are free; `None` if that is not known yet.
    pub(super) fn earliest(&mut self, now: u64, bytes: u64) -> Option<u64> {
        self.settle(now);
        let mut used = self.used;
        if used.saturating_add(bytes) <= self.capacity {
            return Some(now);
        }
        for (time, released) in &self.releases {
            used -= released;
            if used.saturating_add(bytes) <= self.capacity {
                return Some(*time);
            }
        }
        None
    }

    /// Takes `bytes` at `now`.
    pub(super) fn take(&mut self, now: u64, bytes: u64) {
        self.settle(now);
        self.used += bytes;
        self.peak = self.peak.max(self.used);
    }

    /// Gives `bytes` back at `time`.
    pub(super) fn release(&mut self, time: u64, bytes: u64) {
        if bytes > 0 {
            let at = self.releases.partition_point(|(t, _)| *t <= time);
            self.releases.insert(at, (time, bytes));
        }
    }

    fn settle(&mut self, now: u64) {
        let due = self.releases.partition_point(|(t, _)| *t <= now);
        self.used -= self.releases.drain(..due).map(|(_, bytes)| bytes).sum::<u64>();
    }

    /// The most bytes in use at a time so far; what is in use at `now` is the start for the next answer.
    pub(super) fn take_peak(&mut self, now: u64) -> u64 {
        self.settle(now);
        std::mem::replace(&mut self.peak, self.used)
    }

    /// Writes down what decides the answers from `now` on.
    pub(super) fn encode(&mut self, now: u64, code: &mut Vec<u64>) {
        self.settle(now);
        code.extend([self.used, self.releases.len() as u64]);
        code.extend(self.releases.iter().flat_map(|(time, bytes)| [time - now, *bytes]));
    }

    /// Moves everything that is to come by `ticks`.
    pub(super) fn shift(&mut self, ticks: u64) -> Option<()> {
        self.releases.iter_mut().try_for_each(|(time, _)| {
            *time = time.checked_add(ticks)?;
            Some(())
        })
    }

    pub(super) fn used(&self) -> u64 {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_free_when_it_is_given_back() {
        let mut space = Space::new(10);
        space.take(0, 8);
        assert_eq!(space.earliest(0, 2), Some(0));
        assert_eq!(space.earliest(0, 3), None);
        space.release(7, 4);
        space.release(5, 2);
        assert_eq!((space.earliest(1, 4), space.earliest(1, 5)), (Some(5), Some(7)));
        assert_eq!(space.earliest(6, 4), Some(6));
        space.take(7, 6);
        assert_eq!((space.used(), space.take_peak(7), space.take_peak(7)), (8, 8, 8));
    }
}
