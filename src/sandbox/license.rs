//! A licence of the organization: its rule, its holders and its lagging counter.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::ids;
use super::settings::LicenseSpec;

/// What Webex lets one do with a licence; it follows from the prefix in its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Paid messaging; needs free messaging.
    Messaging,
    /// Paid meetings on a site; needs free meetings where these exist.
    Meeting,
    /// Space meetings; needs free messaging.
    SpaceMeeting,
    CallingProfessional,
    CallingStandard,
    AttendantConsole,
    CustomerExperience,
    /// For devices, not for people.
    Workspace,
    /// The old Messenger, which is not managed here.
    Messenger,
    /// Free messaging.
    FreeMessaging,
    /// Free meetings.
    FreeMeeting,
    /// Everybody has it and nobody can lose it.
    FreeScreenShare,
    /// Another free licence.
    Free,
    Hybrid,
    Other,
}

/// A licence of the organization.
#[derive(Debug)]
pub(super) struct License {
    pub(super) spec: LicenseSpec,
    /// The public id.
    pub(super) id: String,
    pub(super) rule: Rule,
    /// The slots of everyone who holds it.
    pub(super) holders: BTreeSet<u32>,
    /// The count that the interface shows, and the changes that it does not show yet.
    published: i64,
    pending: VecDeque<(Instant, i64)>,
}

impl License {
    /// Licences that nobody holds. Those of one name and site, in several subscriptions, have ids of
    /// their own.
    pub(super) fn all(seed: u64, org: &str, specs: impl IntoIterator<Item = LicenseSpec>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for spec in specs {
            let twin = |known: &&Self| known.spec.name == spec.name && known.spec.site == spec.site;
            let twins = all.iter().filter(twin).count();
            all.push(Self::new(seed, org, spec, u32::try_from(twins).unwrap_or(u32::MAX)));
        }
        all
    }

    fn new(seed: u64, org: &str, spec: LicenseSpec, twins: u32) -> Self {
        let drawn = ids::drawn(seed, "license", &format!("{} {:?}", spec.name, spec.site), twins);
        let mut value = format!("{org}:{}_{drawn}", spec.prefix);
        if let Some(site) = &spec.site {
            value.push('_');
            value.push_str(site);
        }
        Self {
            id: ids::public("LICENSE", &value),
            rule: rule_of(&spec.prefix),
            spec,
            holders: BTreeSet::new(),
            published: 0,
            pending: VecDeque::new(),
        }
    }

    /// Everybody gets it on creation.
    pub(super) fn implicit(&self) -> bool {
        matches!(self.rule, Rule::FreeMessaging | Rule::FreeMeeting | Rule::FreeScreenShare | Rule::Free)
    }

    /// Holding it makes Webex invite a person who has not signed in yet.
    pub(super) fn invites(&self) -> bool {
        !self.implicit() && self.rule != Rule::Hybrid
    }

    /// It gives its holder a telephone.
    pub(super) fn calling(&self) -> bool {
        matches!(self.rule, Rule::CallingProfessional | Rule::CallingStandard)
    }

    /// Whether somebody else can still have it.
    pub(super) fn has_seat(&self) -> bool {
        self.spec.seats.is_none_or(|seats| (self.holders.len() as u64) < seats)
    }

    /// Notes that somebody holds it, or no longer does.
    pub(super) fn set_holder(&mut self, slot: u32, held: bool, lag: Duration) {
        let changed = if held { self.holders.insert(slot) } else { self.holders.remove(&slot) };
        if !changed {
            return;
        }
        let delta = if held { 1 } else { -1 };
        if lag.is_zero() && self.pending.is_empty() {
            self.published += delta;
        } else {
            self.pending.push_back((Instant::now() + lag, delta));
        }
    }

    /// How many units the interface says are in use.
    pub(super) fn shown(&mut self, now: Instant) -> i64 {
        while let Some((due, delta)) = self.pending.front().copied()
            && due <= now
        {
            self.published += delta;
            self.pending.pop_front();
        }
        self.published
    }
}

fn rule_of(prefix: &str) -> Rule {
    match prefix {
        "MS" => Rule::Messaging,
        "EE" | "MC" | "EC" | "TC" | "SC" => Rule::Meeting,
        "CF" => Rule::SpaceMeeting,
        "BCSTD" => Rule::CallingProfessional,
        "BCBAS" => Rule::CallingStandard,
        "BCATT" => Rule::AttendantConsole,
        "CXESS" => Rule::CustomerExperience,
        "BCCA" | "BCHDO" | "BCRLC" | "SD" => Rule::Workspace,
        "MSGR" => Rule::Messenger,
        "FMS" => Rule::FreeMessaging,
        "FTM" => Rule::FreeMeeting,
        "FSS" => Rule::FreeScreenShare,
        "FTC" => Rule::Free,
        "CE" | "CG" | "HM" => Rule::Hybrid,
        _ => Rule::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_lags_and_catches_up_in_order() {
        let mut license = License::new(1, "org", LicenseSpec::paid("Advanced Messaging", "MS", 3, "Sub1"), 0);
        let now = Instant::now();
        license.set_holder(1, true, Duration::ZERO);
        assert_eq!(license.shown(now), 1);
        license.set_holder(2, true, Duration::from_secs(60));
        license.set_holder(2, true, Duration::from_secs(60));
        assert_eq!(license.shown(now), 1);
        assert_eq!(license.shown(now + Duration::from_secs(61)), 2);
        assert!(license.has_seat());
        license.set_holder(3, true, Duration::ZERO);
        assert!(!license.has_seat());
    }

    #[test]
    fn ids_carry_prefix_and_site() {
        let spec = LicenseSpec::paid("Webex Meetings Suite", "EE", 3, "Sub1").on("acme.webex.com");
        let license = License::new(1, "org", spec, 0);
        let value = ids::value_of("LICENSE", &license.id).unwrap();
        assert!(value.starts_with("org:EE_") && value.ends_with("_acme.webex.com"), "{value}");
    }

    #[test]
    fn one_name_in_two_subscriptions_is_two_licences() {
        let specs = ["Sub1", "Sub2"].map(|sub| LicenseSpec::paid("Advanced Messaging", "MS", 3, sub));
        let all = License::all(1, "org", specs);
        assert_ne!(all[0].id, all[1].id);
        assert_eq!(all[0].id, License::new(1, "org", all[0].spec.clone(), 0).id);
    }
}
