//! The account of the seats of one licence, as a plan opens it.

use serde::Serialize;

use crate::model::LicenseId;

/// Seats of one licence: what there is, and what is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Supply {
    /// The licence.
    pub license: LicenseId,
    /// Seats bought.
    pub total: u64,
    /// Seats in use, as the cloud counted before the plan.
    pub consumed: u64,
    /// Seats that the plan frees and that nothing holds back.
    pub freed: u64,
    /// People who should have the licence, do not have it, and are looked at.
    pub asked: u64,
    /// People who wait for it and are not looked at in this pass.
    pub absent: u64,
}

impl Supply {
    /// Seats that can be given. Where more are in use than were bought, what becomes free pays that
    /// debt first.
    pub fn available(&self) -> u64 {
        self.total.saturating_sub(self.consumed.saturating_sub(self.freed))
    }

    /// Seats that are left when everybody has one who can.
    pub fn spare(&self) -> u64 {
        self.available().saturating_sub(self.asked + self.absent)
    }

    /// Whether more seats are in use than were bought: what becomes free serves nobody yet.
    pub fn is_overdrawn(&self) -> bool {
        self.consumed.saturating_sub(self.freed) > self.total
    }

    /// Seats that would be in use if everybody entitled had one.
    pub fn demand(&self) -> u64 {
        self.consumed.saturating_sub(self.freed) + self.asked + self.absent
    }

    /// So many seats would have to be bought for everybody entitled: those that people wait for, and
    /// those that are in use and were not bought.
    pub fn missing(&self) -> u64 {
        self.demand().saturating_sub(self.total)
    }

    /// So many people wait.
    pub fn short(&self) -> u64 {
        (self.asked + self.absent).saturating_sub(self.available())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debt_is_paid_first() {
        for (total, consumed, freed, asked, expected) in [
            // available, demand, short, missing
            (10, 4, 0, 3, (6, 7, 0, 0)),
            (10, 9, 0, 3, (1, 12, 2, 2)),
            (10, 9, 2, 3, (3, 10, 0, 0)),
            (10, 12, 1, 3, (0, 14, 3, 4)),
            (10, 12, 3, 3, (1, 12, 2, 2)),
            (10, 12, 0, 0, (0, 12, 0, 2)),
            (0, 0, 0, 1, (0, 1, 1, 1)),
            // Counters that lag.
            (10, 0, 2, 1, (10, 1, 0, 0)),
        ] {
            let one = Supply { license: LicenseId::new("L"), total, consumed, freed, asked, absent: 0 };
            assert_eq!((one.available(), one.demand(), one.short(), one.missing()), expected, "{one:?}");
            let absent = Supply { asked: 0, absent: asked, ..one.clone() };
            assert_eq!(absent.short(), one.short());
        }
    }
}
