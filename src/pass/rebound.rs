//! Licences or roles that the rules name have become others in the cloud.
//!
//! Every verdict may be another one then, and everything is read once. While that read stays
//! incomplete, the new verdicts are not complete either; so as not to read everything at every change
//! meanwhile, what changed is followed, under the new names, and everything read once an hour.

use crate::model::Fingerprint;
use crate::store::Meta;

/// For so long nothing is read again for this reason, in seconds.
const PATIENCE: i64 = 3_600;

/// The words for the log.
const REBOUND: &str = "a licence or role that the rules name is another one in the cloud";
const MIXED: &str = "a pass under other rules did not come to its end";

/// Why everything is read although the rules are written as before.
pub(super) fn reason(meta: &Meta) -> &'static str {
    if meta.rules == Fingerprint::NONE { MIXED } else { REBOUND }
}

/// What changed, by the digests of the rules as written and as bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// Nothing: the rules are those of the last whole pass.
    Same,
    /// The rules mean something else, and everybody has to be looked at.
    Anew,
    /// So they do, and a read of everything stayed incomplete a short time ago.
    Tried,
}

/// What holds for a pass with these rules.
pub(super) fn compare(meta: &Meta, (written, bound): (Fingerprint, Fingerprint), now: i64) -> Bound {
    if (written, bound) == (meta.written, meta.rules) {
        return Bound::Same;
    }
    match meta.tried {
        Some((tried, at))
            if tried == bound && written == meta.written && (at..at + PATIENCE).contains(&now) =>
        {
            Bound::Tried
        }
        _ => Bound::Anew,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_read_once_an_hour() {
        let print = |n| Fingerprint([n; 16]);
        let meta = |tried| Meta { written: print(1), rules: print(2), tried, ..Meta::default() };
        let at = 10_000;
        for (tried, digests, now, expected) in [
            (None, (print(1), print(2)), at, Bound::Same),
            (None, (print(1), print(3)), at, Bound::Anew),
            (Some((print(3), at)), (print(1), print(3)), at, Bound::Tried),
            (Some((print(3), at)), (print(1), print(3)), at + PATIENCE - 1, Bound::Tried),
            (Some((print(3), at)), (print(1), print(3)), at + PATIENCE, Bound::Anew),
            (Some((print(3), at)), (print(1), print(3)), at - 1, Bound::Anew),
            (Some((print(3), at)), (print(1), print(4)), at, Bound::Anew),
            (Some((print(3), at)), (print(5), print(3)), at, Bound::Anew),
        ] {
            assert_eq!(compare(&meta(tried), digests, now), expected, "{tried:?} {digests:?} {now}");
        }
    }
}
