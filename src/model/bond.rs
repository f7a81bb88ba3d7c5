//! What licences say about each other: which exclude each other, which need another.
//!
//! Webex refuses some combinations (the codes 400404 to 400410 of its licence calls), and lets
//! others happen that make no sense. Both follow from the service and the site of a licence.

use xxhash_rust::xxh3::xxh3_64;

use super::License;

/// What matters of a licence besides its id, small enough to be compared for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bond {
    class: Class,
    /// The digest of the site, without letter case; 0 without one.
    site: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    CallingProfessional,
    CallingStandard,
    AttendantConsole,
    CustomerExperience,
    Agent,
    CareDigital,
    CareVoice,
    Calendar,
    CallAware,
    CallConnect,
    Messaging,
    Host,
    Attendee,
    Other,
}

/// That a licence needs another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    classes: &'static [Class],
    /// What is needed, in words.
    pub words: &'static str,
}

impl Need {
    /// Whether a licence is what is needed.
    pub fn is_met_by(self, other: Bond) -> bool {
        self.classes.contains(&other.class)
    }
}

impl License {
    /// What this licence says about others.
    pub fn bond(&self) -> Bond {
        let class = match self.service.as_deref().unwrap_or_default() {
            "calling.professional" => Class::CallingProfessional,
            "calling.basic" => Class::CallingStandard,
            "calling.attendant_console" => Class::AttendantConsole,
            "calling.customer_experience" => Class::CustomerExperience,
            "care.premium" | "care.standard" => Class::Agent,
            "care.digital_channel" => Class::CareDigital,
            "care.voice" => Class::CareVoice,
            "hybrid_calendar.microsoft_exchange" | "hybrid_calendar.google" => Class::Calendar,
            "hybrid_call.aware" => Class::CallAware,
            "hybrid_call.connect" => Class::CallConnect,
            "message.messaging" => Class::Messaging,
            service if self.site.is_some() && service.starts_with("meeting.") => Class::Host,
            _ => Class::Other,
        };
        Bond { class, site: self.site.as_deref().map_or(0, digest) }
    }
}

/// The digest of a site.
fn digest(site: &str) -> u64 {
    xxh3_64(site.to_lowercase().as_bytes())
}

impl Bond {
    /// Attending a site.
    pub fn attendee(site: &str) -> Self {
        Self { class: Class::Attendee, site: digest(site) }
    }

    /// Why nobody can hold both; `None` when anybody can.
    pub fn excludes(self, other: Self) -> Option<&'static str> {
        use Class::{
            Agent, AttendantConsole, Attendee, Calendar, CallingProfessional, CallingStandard,
            CustomerExperience, Host,
        };
        match (self.class, other.class) {
            (CallingProfessional | CallingStandard, CallingProfessional | CallingStandard) => {
                Some("a person has one calling licence")
            }
            (CallingStandard, AttendantConsole | CustomerExperience)
            | (AttendantConsole | CustomerExperience, CallingStandard) => {
                Some("it does not go with Calling Standard")
            }
            (Agent, Agent) => Some("a person has one contact-centre licence"),
            (Calendar, Calendar) => Some("a person has one hybrid calendar"),
            (Host, Attendee) | (Attendee, Host) if self.site == other.site => {
                Some("a person is host or attendee of a site")
            }
            _ => None,
        }
    }

    /// What the licence is worth nothing without.
    pub fn needs(self) -> Option<Need> {
        let need = |classes, words| Some(Need { classes, words });
        match self.class {
            Class::CallConnect => need(&[Class::CallAware], "hybrid call aware"),
            Class::CareDigital => need(&[Class::Messaging], "a messaging licence"),
            Class::CareVoice => {
                need(&[Class::CallingProfessional, Class::CallingStandard], "a calling licence")
            }
            Class::AttendantConsole => need(&[Class::CallingProfessional], "Calling Professional"),
            _ => None,
        }
    }

    /// Whether holding one decides about the other: they exclude each other, or one needs the other.
    pub fn concerns(self, other: Self) -> bool {
        let needs = |one: Self, other: Self| one.needs().is_some_and(|need| need.is_met_by(other));
        self.excludes(other).is_some() || needs(self, other) || needs(other, self)
    }

    /// Whether Webex refuses to replace this licence by the other one.
    pub fn cannot_become(self, other: Self) -> bool {
        matches!(self.class, Class::CallingProfessional | Class::CustomerExperience)
            && other.class == Class::CallingStandard
    }

    /// Whether it gives its holder a telephone, and so needs a location and a number.
    pub fn is_calling(self) -> bool {
        matches!(self.class, Class::CallingProfessional | Class::CallingStandard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LicenseId, LicenseKind};

    fn bond(service: &str, site: Option<&str>) -> Bond {
        if service == "attendee" {
            return Bond::attendee(site.unwrap());
        }
        License {
            id: LicenseId::new("x"),
            name: "x".into(),
            service: Some(service.into()),
            kind: LicenseKind::Paid,
            subscription: None,
            site: site.map(Into::into),
            total: None,
            consumed: 0,
        }
        .bond()
    }

    #[test]
    fn who_excludes_whom() {
        let here = Some("a.webex.example");
        for (one, other, excludes) in [
            (bond("calling.professional", None), bond("calling.basic", None), true),
            // Two subscriptions.
            (bond("calling.professional", None), bond("calling.professional", None), true),
            (bond("calling.professional", None), bond("calling.attendant_console", None), false),
            (bond("calling.basic", None), bond("calling.attendant_console", None), true),
            (bond("calling.basic", None), bond("calling.customer_experience", None), true),
            (bond("care.premium", None), bond("care.standard", None), true),
            (bond("care.digital_channel", None), bond("care.voice", None), false),
            (bond("hybrid_calendar.google", None), bond("hybrid_calendar.microsoft_exchange", None), true),
            (bond("meeting.webex_enterprise", here), bond("attendee", Some("A.WEBEX.example")), true),
            (bond("meeting.webex_enterprise", here), bond("attendee", Some("b")), false),
            (bond("meeting.meeting_center", here), bond("meeting.training_center", here), false),
            (bond("meeting.meeting", None), bond("message.messaging", None), false),
        ] {
            assert_eq!(one.excludes(other).is_some(), excludes, "{one:?} {other:?}");
            assert_eq!(other.excludes(one), one.excludes(other));
        }
    }

    #[test]
    fn who_needs_whom() {
        for (one, other, met) in [
            ("hybrid_call.connect", "hybrid_call.aware", true),
            ("hybrid_call.connect", "message.messaging", false),
            ("care.digital_channel", "message.messaging", true),
            ("care.voice", "calling.basic", true),
            ("calling.attendant_console", "calling.basic", false),
        ] {
            let need = bond(one, None).needs().unwrap();
            assert_eq!(need.is_met_by(bond(other, None)), met, "{one} {other}");
        }
        assert_eq!(bond("hybrid_call.aware", None).needs(), None);
    }

    #[test]
    fn one_way_only() {
        let (professional, standard) = (bond("calling.professional", None), bond("calling.basic", None));
        assert!(professional.cannot_become(standard) && !standard.cannot_become(professional));
    }
}
