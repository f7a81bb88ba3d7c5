//! What goes wrong, and at which request.

use super::hostile::Attack;

/// The kinds of requests that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// A bind.
    Bind,
    /// A search of the root entry.
    Root,
    /// A search of a single object below.
    Object,
    /// A page of a search: every search of more than a single object without DirSync.
    Page,
    /// A round of DirSync.
    DirSync,
    /// A search that waits for changes.
    Notification,
}

/// What happens then, instead of the answer.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// So many entries, and then this result code with these words.
    Code(usize, u8, &'static str),
    /// So many entries, and then nothing, with the connection open.
    Freeze(usize),
    /// So many entries and the half of another, and then the connection is closed.
    Cut(usize),
    /// So many entries, then a Notice of Disconnection (RFC 4511, 4.4.1), in the form in which
    /// Active Directory writes it, and the connection is closed.
    Disconnect(usize),
    /// So many entries, and then these bytes, in the place of the result.
    Bytes(usize, Attack),
    /// Every page from here on is this one, with this cookie again.
    SamePage,
    /// Every page from here on is one of two, in turns.
    TwoPages,
    /// Every page from here on is empty and promises another.
    EmptyPages,
}

/// The faults that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(At, usize, Fault)>);

impl Faults {
    /// At the `nth` request of this kind from now on, from 1.
    pub(crate) fn add(&mut self, at: At, nth: usize, fault: Fault) {
        self.0.push((at, nth, fault));
    }

    /// Counts a request; the fault that is due.
    pub(crate) fn due(&mut self, at: At) -> Option<Fault> {
        let mut due = None;
        self.0.retain_mut(|(kind, left, fault)| {
            if *kind != at {
                return true;
            }
            *left = left.saturating_sub(1);
            if *left > 0 {
                return true;
            }
            due = Some(fault.clone());
            // A liar goes on lying.
            matches!(fault, Fault::SamePage | Fault::TwoPages | Fault::EmptyPages)
        });
        due
    }
}
