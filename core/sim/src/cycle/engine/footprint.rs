//! Which bytes of which channels a transfer touches, in which order of pages.

use codebench_model::MemoryFacts;

/// How addresses fall on channels and pages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mapping {
    channels: u64,
    /// Bytes that stay on a channel, and as many on each channel.
    interleave: Divisor,
    round: Divisor,
    row_bytes: Divisor,
}

/// Divides by a number that is a power of two more often than not.
#[derive(Debug, Clone, Copy)]
struct Divisor {
    by: u64,
    shift: Option<u32>,
}

impl Divisor {
    fn new(by: u64) -> Self {
        Divisor { by, shift: by.is_power_of_two().then(|| by.trailing_zeros()) }
    }

    /// Quotient and remainder.
    fn divide(self, number: u64) -> (u64, u64) {
        match self.shift {
            Some(shift) => (number >> shift, number & (self.by - 1)),
            None => (number / self.by, number % self.by),
        }
    }
}

/// What a transfer touches of one channel.
#[derive(Debug, Clone, Default)]
pub(super) struct Touch {
    pub(super) bytes: u64,
    pub(super) runs: u64,
    /// Pages in order, as ranges of consecutive ones, both ends included.
    pub(super) pages: Vec<(u64, u64)>,
}

/// What a transfer touches.
#[derive(Debug, Clone, Default)]
pub(super) struct Footprint {
    touches: Vec<Touch>,
    /// Channels with bytes.
    pub(super) channels: Vec<usize>,
    pub(super) bytes: u64,
}

impl Mapping {
    pub(super) fn new(facts: &MemoryFacts) -> Self {
        Mapping::of(facts.channels, facts.interleave_bytes, facts.row_bytes)
    }

    pub(super) fn of(channels: u64, interleave: u64, row_bytes: u64) -> Self {
        Mapping {
            channels,
            interleave: Divisor::new(interleave),
            round: Divisor::new(interleave * channels),
            row_bytes: Divisor::new(row_bytes),
        }
    }

    pub(super) fn interleave(&self) -> u64 {
        self.interleave.by
    }

    pub(super) fn row_bytes(&self) -> u64 {
        self.row_bytes.by
    }

    /// Bytes on `channel` below address `end`.
    fn below(&self, channel: u64, end: u64) -> u64 {
        let (rounds, rest) = self.round.divide(end);
        rounds * self.interleave.by
            + rest.saturating_sub(channel * self.interleave.by).min(self.interleave.by)
    }
}

impl Footprint {
    pub(super) fn new(mapping: &Mapping) -> Self {
        Footprint { touches: vec![Touch::default(); mapping.channels as usize], ..Footprint::default() }
    }

    pub(super) fn touch(&self, channel: usize) -> &Touch {
        &self.touches[channel]
    }

    pub(super) fn clear(&mut self) {
        for channel in self.channels.drain(..) {
            let touch = &mut self.touches[channel];
            touch.bytes = 0;
            touch.runs = 0;
            touch.pages.clear();
        }
        self.bytes = 0;
    }

    /// Adds the run of `bytes` at `start`.
    pub(super) fn add(&mut self, mapping: &Mapping, start: u64, bytes: u64) {
        if bytes == 0 {
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        let end = start.saturating_add(bytes);
        let (first, last) = (mapping.interleave.divide(start).0, mapping.interleave.divide(end - 1).0);
        if last - first + 1 >= mapping.channels {
            for channel in 0..mapping.channels {
                let low = mapping.below(channel, start);
                self.add_local(mapping, channel, low, mapping.below(channel, end));
            }
        } else {
            let interleave = mapping.interleave.by;
            let (rounds, rest) = mapping.round.divide(start);
            let (mut channel, mut offset) = mapping.interleave.divide(rest);
            let (mut base, mut left) = (rounds * interleave, bytes);
            loop {
                let here = left.min(interleave - offset);
                self.add_local(mapping, channel, base + offset, base + offset + here);
                left -= here;
                if left == 0 {
                    break;
                }
                offset = 0;
                channel += 1;
                if channel == mapping.channels {
                    (channel, base) = (0, base + interleave);
                }
            }
        }
    }

    fn add_local(&mut self, mapping: &Mapping, channel: u64, low: u64, high: u64) {
        if low >= high {
            return;
        }
        let touch = &mut self.touches[channel as usize];
        if touch.bytes == 0 {
            self.channels.push(channel as usize);
        }
        touch.bytes += high - low;
        touch.runs += 1;
        let (first, last) = (mapping.row_bytes.divide(low).0, mapping.row_bytes.divide(high - 1).0);
        match touch.pages.last_mut() {
            Some((_, end)) if first == *end || first == *end + 1 => *end = last,
            _ => touch.pages.push((first, last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_fall_where_single_bytes_would() {
        let mapping = Mapping::of(3, 4, 8);
        for start in 0..60_u64 {
            for bytes in 1..40 {
                let mut footprint = Footprint::new(&mapping);
                footprint.add(&mapping, start, bytes);
                let mut counted = [0_u64; 3];
                let mut pages: [Vec<u64>; 3] = Default::default();
                for a in start..start + bytes {
                    let channel = (a / 4 % 3) as usize;
                    let local = a / 12 * 4 + a % 4;
                    counted[channel] += 1;
                    if pages[channel].last() != Some(&(local / 8)) {
                        pages[channel].push(local / 8);
                    }
                }
                for channel in 0..3 {
                    let touch = footprint.touch(channel);
                    assert_eq!(touch.bytes, counted[channel]);
                    let visited: Vec<u64> = touch.pages.iter().flat_map(|(a, b)| *a..=*b).collect();
                    assert_eq!(visited, pages[channel]);
                }
            }
        }
    }

    #[test]
    fn successive_runs_in_a_page_are_one_visit() {
        let mapping = Mapping::of(1, 8, 8);
        let mut footprint = Footprint::new(&mapping);
        for (start, bytes) in [(0, 2), (4, 6), (16, 1), (0, 1)] {
            footprint.add(&mapping, start, bytes);
        }
        assert_eq!(footprint.touch(0).pages, [(0, 2), (0, 0)]);
        assert_eq!((footprint.touch(0).runs, footprint.bytes), (4, 10));
        footprint.clear();
        assert!(footprint.channels.is_empty() && footprint.touch(0).pages.is_empty());
    }
}
