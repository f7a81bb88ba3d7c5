//! Where a person stands among those who want the same licence when seats are few.

use serde::{Deserialize, Serialize};

use super::{LicenseId, Person, SourceId};

/// What the rules say about the order in which people are served; it travels with the person
/// until a seat is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// For each licence of the person, in their order, the first rule that gives it, from 0.
    pub rules: Vec<u16>,
    /// The configured attribute, as bytes that compare as it should be ordered; empty without.
    pub order: Box<[u8]>,
    /// Since when the record exists, in seconds since 1970-01-01 UTC, where it says so.
    pub created: Option<i64>,
}

impl Standing {
    /// The first rule that gives this licence to the person whose standing this is.
    pub fn rule(&self, person: &Person, license: &LicenseId) -> Option<u16> {
        let at = person.licenses.iter().position(|id| id == license)?;
        self.rules.get(at).copied()
    }

    /// A few bytes, for the spool.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(10 + 2 * self.rules.len() + self.order.len());
        bytes.extend(self.created.unwrap_or(i64::MAX).to_be_bytes());
        bytes.extend(u16::try_from(self.rules.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.rules.iter().for_each(|rule| bytes.extend(rule.to_be_bytes()));
        bytes.extend(&self.order);
        bytes
    }

    /// From the bytes of [`Standing::to_bytes`]; `None` when they are not.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (created, rest) = bytes.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<2>()?;
        let (rules, order) = rest.split_at_checked(2 * usize::from(u16::from_be_bytes(*count)))?;
        let created = i64::from_be_bytes(*created);
        Some(Self {
            rules: rules.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect(),
            order: order.into(),
            created: (created != i64::MAX).then_some(created),
        })
    }
}

/// A place in the order in which people get a licence: the smallest is served first. No two
/// people have the same, and none depends on the order in which people are read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Stands behind all others: the cloud refused this person again and again, and a seat kept
    /// for that would serve nobody.
    pub behind: bool,
    /// The first rule that gives the licence, from 0.
    pub rule: u16,
    /// See [`Standing::order`].
    pub order: Box<[u8]>,
    /// Since when the person waits, in seconds since 1970-01-01 UTC; [`i64::MAX`] for whoever
    /// does not wait yet.
    pub since: i64,
    /// See [`Standing::created`]; [`i64::MAX`] when it is not known.
    pub created: i64,
    /// Who.
    pub anchor: SourceId,
}

impl Rank {
    /// The rank of somebody who had the licence and lost it by other hands than ours: first in
    /// turn, because a seat is not taken from one to serve another.
    pub fn restored(anchor: SourceId) -> Self {
        Self { behind: false, rule: 0, order: Box::default(), since: i64::MIN, created: i64::MIN, anchor }
    }

    /// Whether a seat may be taken from the `holder` for this one: by rule or by attribute, while
    /// waiting long is no reason.
    pub fn may_replace(&self, holder: &Self) -> bool {
        !self.behind && (self.rule, &self.order) < (holder.rule, &holder.order)
    }
}

/// Why somebody has no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unserved {
    /// No seat is left.
    NoSeat,
    /// A seat seemed to be left, and the cloud did not give it: it refused, or answered as if
    /// all were well and left the licence out.
    RefusedByCloud,
}

impl Unserved {
    /// The stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoSeat => "no_seat",
            Self::RefusedByCloud => "refused_by_cloud",
        }
    }

    /// From the stable word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::NoSeat, Self::RefusedByCloud].into_iter().find(|one| one.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_survives_the_spool() {
        for standing in [
            Standing::default(),
            Standing { rules: vec![0, 300, 7], order: [0, 255, 1].into(), created: Some(-5) },
            Standing { rules: vec![], order: [9].into(), created: None },
        ] {
            assert_eq!(Standing::from_bytes(&standing.to_bytes()), Some(standing));
        }
        for broken in [&b""[..], b"1234567", b"12345678\0", b"12345678\0\x02\0\0"] {
            assert_eq!(Standing::from_bytes(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn rule_then_attribute_then_seniority_then_anchor() {
        let rank = |behind, rule, order: &[u8], since, created, n| Rank {
            behind,
            rule,
            order: order.into(),
            since,
            created,
            anchor: SourceId::new([n; 16]),
        };
        let in_order = [
            Rank::restored(SourceId::new([9; 16])),
            rank(false, 0, b"b", 7, 7, 9),
            rank(false, 1, b"a", 9, 9, 9),
            rank(false, 1, b"b", 2, 9, 9),
            rank(false, 1, b"b", 3, 1, 9),
            rank(false, 1, b"b", 3, 2, 1),
            rank(false, 1, b"b", 3, 2, 2),
            rank(true, 0, b"a", 0, 0, 0),
        ];
        assert!(in_order.is_sorted());
    }
}
