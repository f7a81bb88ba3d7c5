//! The groups that rules name, numbered, and the memberships of one person among them.

use crate::model::normal_dn;

/// The groups of which one person is a member, nested membership included: a set of indexes
/// into [`Rules::groups`](super::Rules::groups).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GroupSet {
    /// Indexes 0 to 63, a bit each: almost always all there are, and no allocation.
    low: u64,
    /// The indexes from 64 on.
    high: Vec<u64>,
}

impl GroupSet {
    /// No group.
    pub const fn new() -> Self {
        Self { low: 0, high: Vec::new() }
    }

    /// Adds the group with this index.
    pub fn insert(&mut self, index: usize) {
        match index / 64 {
            0 => self.low |= 1 << index,
            word => {
                if self.high.len() < word {
                    self.high.resize(word, 0);
                }
                self.high[word - 1] |= 1 << (index % 64);
            }
        }
    }

    /// Whether the group with this index is in the set.
    pub fn contains(&self, index: usize) -> bool {
        let word = match index / 64 {
            0 => self.low,
            word => self.high.get(word - 1).copied().unwrap_or(0),
        };
        word & 1 << (index % 64) != 0
    }

    /// The indexes in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        std::iter::once(&self.low).chain(&self.high).enumerate().flat_map(|(word, bits)| {
            (0..64).filter(move |bit| bits & 1 << bit != 0).map(move |bit| word * 64 + bit)
        })
    }

    /// Whether any of the groups is in the set.
    pub(super) fn contains_any(&self, indexes: &[usize]) -> bool {
        indexes.iter().any(|index| self.contains(*index))
    }
}

impl FromIterator<usize> for GroupSet {
    fn from_iter<I: IntoIterator<Item = usize>>(indexes: I) -> Self {
        let mut set = Self::new();
        indexes.into_iter().for_each(|index| set.insert(index));
        set
    }
}

/// Collects group names while rules are compiled, giving each a number.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupNames {
    /// As first written, in order.
    names: Vec<String>,
    /// The compared forms, in the same order.
    keys: Vec<String>,
}

impl GroupNames {
    /// Names that are numbered already.
    pub(super) fn of(names: &[String]) -> Self {
        let mut all = Self::default();
        for name in names {
            all.index(name);
        }
        all
    }

    /// The index of a group, which two spellings of one DN or name share.
    pub(super) fn index(&mut self, name: &str) -> usize {
        let name = name.trim();
        let key = if is_dn(name) { normal_dn(name) } else { name.to_lowercase() };
        if let Some(index) = self.keys.iter().position(|known| *known == key) {
            return index;
        }
        self.names.push(name.into());
        self.keys.push(key);
        self.names.len() - 1
    }

    /// The names, as first written.
    pub(super) fn into_names(self) -> Vec<String> {
        self.names
    }
}

/// Whether a text is meant as a DN and not as a plain name.
pub(super) fn is_dn(text: &str) -> bool {
    text.split_once('=').is_some_and(|(kind, value)| {
        let kind = kind.trim();
        !value.trim().is_empty()
            && kind.starts_with(|c: char| c.is_ascii_alphanumeric())
            && kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_however_many_groups_there_are() {
        let set: GroupSet = [0, 63, 64, 200].into_iter().collect();
        for index in [0, 63, 64, 200] {
            assert!(set.contains(index), "{index}");
        }
        for index in [1, 62, 65, 128, 199, 201, 5000] {
            assert!(!set.contains(index), "{index}");
        }
        assert!(set.contains_any(&[7, 200]) && !set.contains_any(&[7, 8]) && !set.contains_any(&[]));
    }

    #[test]
    fn two_spellings_of_one_group_share_a_number() {
        let mut names = GroupNames::default();
        assert_eq!(names.index("CN=Staff, DC=example,DC=test"), 0);
        assert_eq!(names.index("staff"), 1);
        assert_eq!(names.index("cn=staff,dc=example,dc=test"), 0);
        assert_eq!(names.index("Staff "), 1);
        assert_eq!(names.into_names(), ["CN=Staff, DC=example,DC=test", "staff"]);
    }

    #[test]
    fn a_plain_name_may_contain_an_equals_sign() {
        assert!(is_dn("cn=staff,dc=test") && is_dn("OU = x"));
        assert!(!is_dn("staff") && !is_dn("all people = staff") && !is_dn("cn="));
    }
}
