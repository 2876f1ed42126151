//! Cutting a stream into lines of bounded length.

use std::io::{self, Read};
use std::sync::mpsc::SyncSender;

/// The longest line that is read, in bytes.
pub const LONGEST_LINE: usize = 1 << 20;
/// Bytes read at once.
const READ_BYTES: usize = 1 << 18;

/// Lines that arrived together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    text: Vec<u8>,
    /// End of each line in `text`, and whether it is whole.
    ends: Vec<(usize, bool)>,
}

/// One line, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// As it was read.
    Text(&'a [u8]),
    /// Longer than [`LONGEST_LINE`].
    TooLong,
}

impl Batch {
    /// Bytes of text.
    pub(super) fn size(&self) -> usize {
        self.text.len()
    }

    /// The lines in order.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |(end, whole)| {
            let line = self.text.get(start..*end).unwrap_or_default();
            start = *end;
            if *whole { Line::Text(line) } else { Line::TooLong }
        })
    }

    /// Adds bytes to the last line; those beyond the longest length are dropped. Returns the line's new length.
    fn extend(&mut self, bytes: &[u8], length: usize) -> usize {
        let kept = bytes.len().min(LONGEST_LINE.saturating_sub(length));
        self.text.extend_from_slice(&bytes[..kept]);
        length + bytes.len()
    }

    fn end_line(&mut self, length: usize) {
        self.ends.push((self.text.len(), length <= LONGEST_LINE));
    }
}

/// Sends the lines of `reader`, those that arrive together in one batch, until its end or until nobody listens.
pub(super) fn read(mut reader: impl Read, sender: &SyncSender<io::Result<Batch>>) {
    let mut buffer = vec![0; READ_BYTES];
    let mut batch = Batch::default();
    // Length of the unfinished last line of the batch.
    let mut length = 0;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let _ = sender.send(Ok(batch));
                let _ = sender.send(Err(error));
                return;
            }
        };
        let mut pieces = buffer[..count].split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            length = batch.extend(piece, length);
            if pieces.peek().is_some() {
                batch.end_line(length);
                length = 0;
            }
        }
        if !batch.ends.is_empty() {
            let unfinished = batch.ends.last().map_or(0, |(end, _)| *end);
            let rest = batch.text.split_off(unfinished);
            let full = std::mem::replace(&mut batch, Batch { text: rest, ends: Vec::new() });
            if sender.send(Ok(full)).is_err() {
                return;
            }
        }
    }
    if length > 0 {
        batch.end_line(length);
        let _ = sender.send(Ok(batch));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    /// Gives `text` in pieces of `size` bytes.
    struct Pieces<'a> {
        text: &'a [u8],
        size: usize,
    }

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.size.min(self.text.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.text[..count]);
            self.text = &self.text[count..];
            Ok(count)
        }
    }

    fn lines(text: &[u8], size: usize) -> Vec<Option<Vec<u8>>> {
        let (sender, receiver) = sync_channel(1 << 16);
        read(Pieces { text, size }, &sender);
        drop(sender);
        let mut all = Vec::new();
        for batch in receiver {
            for line in batch.unwrap().lines() {
                all.push(match line {
                    Line::Text(text) => Some(text.to_vec()),
                    Line::TooLong => None,
                });
            }
        }
        all
    }

    #[test]
    fn lines_do_not_depend_on_how_they_arrive() {
        let text = b"one\n\ntwo\r\nthree";
        let expected: Vec<Option<Vec<u8>>> =
            [&b"one"[..], b"", b"two\r", b"three"].map(|l| Some(l.to_vec())).into();
        for size in 1..20 {
            assert_eq!(lines(text, size), expected, "pieces of {size}");
        }
        assert_eq!(lines(b"", 1), []);
        assert_eq!(lines(b"a\n", 1), [Some(b"a".to_vec())]);
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let mut text = vec![b'x'; LONGEST_LINE];
        text.extend_from_slice(b"\n");
        text.extend(vec![b'y'; 3 * LONGEST_LINE]);
        text.extend_from_slice(b"\nnext\n");
        let all = lines(&text, 100_000);
        assert_eq!(all.len(), 3);
        assert_eq!(all[0].as_ref().map(Vec::len), Some(LONGEST_LINE));
        assert_eq!(all[1], None);
        assert_eq!(all[2], Some(b"next".to_vec()));
    }
}
