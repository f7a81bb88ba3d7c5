//! How much may be taken away without approval: the settings of the guard.

/// How many removals of one kind pass without approval. A plan trips the limit when it has
/// more than `count` of them, or more than `floor` that are also more than `percent` of the
/// linked people (of memberships or groups, where it is about those).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many pass, whatever the size of the directory.
    pub count: u64,
    /// Such a share of the linked people passes, in percent.
    pub percent: u64,
    /// So few pass, whatever their share: small organizations need to work too.
    pub floor: u64,
}

impl Limit {
    /// The most that would have passed, when `count` of `of` people are too many.
    pub(super) fn tripped(self, count: u64, of: u64) -> Option<u64> {
        let share = of.saturating_mul(self.percent) / 100;
        let most = self.count.min(share.max(self.floor));
        (count > most).then_some(most)
    }
}

/// The limits of the guard, one per kind of removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// People deactivated.
    pub deactivate: Limit,
    /// Accounts deleted.
    pub delete: Limit,
    /// People who lose a licence.
    pub license_remove: Limit,
    /// People who lose an attribute value.
    pub blank: Limit,
    /// People who leave because the configuration changed, and not the directory.
    pub scope_change: Limit,
    /// Members taken out of groups; the share is of all memberships that are ours.
    pub group_member_remove: Limit,
    /// Groups deleted; the share is of all groups that are ours.
    pub group_delete: Limit,
    /// Contacts deleted; the share is of all contacts that are ours.
    pub contact_delete: Limit,
    /// Contacts that lose a value; the share is of all contacts that are ours.
    pub contact_blank: Limit,
    /// A census with fewer people than this share of the last whole one, in percent, and fewer
    /// by more than the floor of `deactivate`, is implausibly short: removals wait.
    pub min_census_percent: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let limit = Limit { count: 100, percent: 5, floor: 5 };
        Self {
            deactivate: limit,
            delete: limit,
            license_remove: Limit { count: 500, percent: 10, floor: 10 },
            blank: Limit { count: 500, percent: 10, floor: 10 },
            // Always held: nobody but the administrator can tell whether it was meant.
            scope_change: Limit { count: 0, percent: 100, floor: 0 },
            group_member_remove: Limit { count: 1_000, percent: 10, floor: 20 },
            group_delete: Limit { count: 10, percent: 10, floor: 1 },
            contact_delete: limit,
            contact_blank: Limit { count: 500, percent: 10, floor: 10 },
            min_census_percent: 80,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_directories_have_a_floor_and_large_ones_a_ceiling() {
        let limit = Limit { count: 100, percent: 5, floor: 5 };
        for (count, of, most) in [
            (5, 10, None),
            (6, 10, Some(5)),
            (7, 150, None),
            (8, 150, Some(7)),
            (100, 9000, None),
            (101, 9000, Some(100)),
        ] {
            assert_eq!(limit.tripped(count, of), most, "{count} of {of}");
        }
    }
}
