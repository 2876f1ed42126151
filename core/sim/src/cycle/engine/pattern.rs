//! What a transfer does to the banks, without its runs.
//!
//! Runs of a transfer ascend nearly always, so that each page is visited once: then only the first page of a bank can find
//! its row open, and only the last one stays open. Images repeat the pages of the first one, shifted. So a transfer of any
//! length is a few numbers per bank.

use super::footprint::{Footprint, Mapping};

/// What a transfer touches, relative to its first image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Channels with bytes.
    pub(super) touches: Vec<Touched>,
    pub(super) bytes: u64,
}

/// What it touches of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) channel: usize,
    pub(super) bytes: u64,
    pub(super) runs: u64,
    pub(super) visits: Visits,
}

/// Visits of pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Visits {
    /// Each page once: how many, and the first and last of each bank.
    Once { pages: u64, banks: Vec<BankVisit> },
    /// In order, as ranges of consecutive pages, both ends included.
    Ordered(Vec<(u64, u64)>),
}

/// The first and the last page of a bank that a transfer visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BankVisit {
    pub(super) bank: u64,
    pub(super) first: u64,
    pub(super) last: u64,
}

/// Makes patterns.
pub(super) struct Summary {
    banks: u64,
    /// Per bank: its place in the list that is made, if the stamp is the current one.
    slots: Vec<(u64, usize)>,
    stamp: u64,
}

impl Summary {
    pub(super) fn new(banks: u64) -> Self {
        Summary { banks, slots: vec![(0, 0); banks as usize], stamp: 0 }
    }

    /// The pattern of `images` images, of which `footprint` is the first and each lies `shift` pages behind the one before;
    /// `None` if its visits do not say the others'.
    pub(super) fn pattern(&mut self, footprint: &Footprint, images: u64, shift: u64) -> Option<Pattern> {
        let mut touches = Vec::with_capacity(footprint.channels.len());
        for channel in &footprint.channels {
            let touch = footprint.touch(*channel);
            let visits = match self.once(&touch.pages, images, shift) {
                Some(visits) => visits,
                None if images == 1 => Visits::Ordered(touch.pages.clone()),
                None => return None,
            };
            touches.push(Touched {
                channel: *channel,
                bytes: touch.bytes.saturating_mul(images),
                runs: touch.runs.saturating_mul(images),
                visits,
            });
        }
        Some(Pattern { touches, bytes: footprint.bytes.saturating_mul(images) })
    }

    /// Visits of ascending pages; `None` if a page comes twice.
    fn once(&mut self, ranges: &[(u64, u64)], images: u64, shift: u64) -> Option<Visits> {
        let ascending = ranges.windows(2).all(|pair| pair[0].1 < pair[1].0);
        let (first, last) = (ranges.first()?.0, ranges.last()?.1);
        if !ascending || (images > 1 && last >= first.checked_add(shift)?) {
            return None;
        }
        let each: u64 = ranges.iter().map(|(from, to)| to - from + 1).sum();
        let mut banks = Vec::with_capacity(each.saturating_mul(images).min(self.banks) as usize);
        // After so many images the banks are those of the first again.
        let cycle = images.min(self.banks / greatest_divisor(shift, self.banks));
        self.stamp += 1;
        'first: for image in 0..cycle {
            for (from, to) in ranges {
                let (from, to) = (from + image * shift, to + image * shift);
                let mut next = from % self.banks;
                for page in from..=to.min(from + (self.banks - 1)) {
                    if banks.len() as u64 == self.banks {
                        break 'first;
                    }
                    let bank = next;
                    next = if bank + 1 < self.banks { bank + 1 } else { 0 };
                    let slot = &mut self.slots[bank as usize];
                    if slot.0 != self.stamp {
                        *slot = (self.stamp, banks.len());
                        banks.push(BankVisit { bank, first: page, last: page });
                    }
                }
            }
        }
        self.stamp += 1;
        let mut missing = banks.len();
        'last: for image in (images - cycle..images).rev() {
            for (from, to) in ranges.iter().rev() {
                let (from, to) = (from + image * shift, to + image * shift);
                let mut next = to % self.banks;
                for page in (from.max(to.saturating_sub(self.banks - 1))..=to).rev() {
                    if missing == 0 {
                        break 'last;
                    }
                    let (stamp, index) = &mut self.slots[next as usize];
                    next = if next > 0 { next - 1 } else { self.banks - 1 };
                    if *stamp != self.stamp {
                        *stamp = self.stamp;
                        banks[*index].last = page;
                        missing -= 1;
                    }
                }
            }
        }
        Some(Visits::Once { pages: each.saturating_mul(images), banks })
    }
}

/// The greatest common divisor.
pub(super) fn greatest_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { greatest_divisor(b, a % b) }
}

/// Whether addresses a whole number of stripes apart fall on the same channels.
pub(super) fn repeats(mapping: &Mapping) -> bool {
    mapping.row_bytes().is_multiple_of(mapping.interleave())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_repeat_the_pages_of_the_first() {
        let mapping = Mapping::of(2, 4, 8);
        for (banks, stride) in [(1, 48), (2, 48), (3, 64), (4, 80), (6, 48), (8, 96)] {
            for runs in [vec![(0, 40)], vec![(3, 5), (20, 9)], vec![(0, 2), (8, 2), (47, 1)], vec![(40, 9)]] {
                for images in 1..9 {
                    let mut one = Footprint::new(&mapping);
                    let mut all = Footprint::new(&mapping);
                    for (start, bytes) in &runs {
                        one.add(&mapping, *start, *bytes);
                    }
                    for image in 0..images {
                        for (start, bytes) in &runs {
                            all.add(&mapping, image * stride + start, *bytes);
                        }
                    }
                    let mut summary = Summary::new(banks);
                    let expected = summary.pattern(&all, 1, 0).unwrap();
                    match summary.pattern(&one, images, stride / 16) {
                        Some(pattern) => assert_eq!(sorted(pattern), sorted(expected)),
                        // The last byte lies in the next image.
                        None => assert!(stride == 48 && runs.iter().any(|(s, b)| s + b > 48)),
                    }
                }
            }
        }
    }

    fn sorted(mut pattern: Pattern) -> Pattern {
        pattern.touches.sort_by_key(|touch| touch.channel);
        for touch in &mut pattern.touches {
            if let Visits::Once { banks, .. } = &mut touch.visits {
                banks.sort_by_key(|visit| visit.bank);
            }
        }
        pattern
    }

    #[test]
    fn a_page_that_comes_twice_keeps_its_order() {
        let mapping = Mapping::of(1, 8, 8);
        let mut footprint = Footprint::new(&mapping);
        for start in [0, 8, 0] {
            footprint.add(&mapping, start, 1);
        }
        let mut summary = Summary::new(4);
        let pattern = summary.pattern(&footprint, 1, 0).unwrap();
        assert_eq!(pattern.touches[0].visits, Visits::Ordered(vec![(0, 1), (0, 0)]));
        assert_eq!(summary.pattern(&footprint, 2, 2), None);
    }
}
