//! A text that is held back until it is known what stands above it.

use std::io::{self, Write};

/// More is not held in memory, in bytes.
const MOST: usize = 32 << 20;

/// The text, as long as it is short enough.
pub(super) struct Draft(Option<Vec<u8>>);

impl Draft {
    /// An empty text.
    pub(super) const fn new() -> Self {
        Self(Some(Vec::new()))
    }

    /// The text; `None` when it became too long, and has to be made once more.
    pub(super) fn text(self) -> Option<Vec<u8>> {
        self.0
    }

    /// Whether it became too long, so that nothing more need be written.
    pub(super) const fn is_lost(&self) -> bool {
        self.0.is_none()
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Some(text) if text.len() + bytes.len() <= MOST => text.extend_from_slice(bytes),
            _ => self.0 = None,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_lost_as_a_whole() {
        let mut draft = Draft::new();
        draft.write_all(b"ab").unwrap();
        draft.write_all(b"c").unwrap();
        assert!(!draft.is_lost());
        assert_eq!(draft.text().as_deref(), Some(&b"abc"[..]));
        let mut draft = Draft::new();
        draft.write_all(&vec![b'x'; MOST]).unwrap();
        assert!(!draft.is_lost());
        draft.write_all(b"y").unwrap();
        draft.write_all(b"z").unwrap();
        assert!(draft.is_lost());
        assert_eq!(draft.text(), None);
    }
}
