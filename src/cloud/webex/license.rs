//! The vocabulary of services: our stable words for the licences of any organization.
//!
//! Names of licences change with Cisco's price list and differ between subscriptions; the
//! type in the id (`MS`, `EE`, `BCSTD`, …) has been stable. This table is the only place
//! where the two meet.

use super::ids;
use super::wire;
use crate::model::{License, LicenseId, LicenseKind};

/// One word of the vocabulary.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// The key that rules and templates use.
    pub key: &'static str,
    /// Other spellings that mean the same.
    pub also: &'static [&'static str],
    /// What it is, in a few words.
    pub what: &'static str,
    /// The type in a licence's id; empty where no type is known and only the name tells.
    prefix: &'static str,
    kind: LicenseKind,
}

const fn service(
    prefix: &'static str,
    key: &'static str,
    also: &'static [&'static str],
    kind: LicenseKind,
    what: &'static str,
) -> Service {
    Service { key, also, what, prefix, kind }
}

use LicenseKind::{Free, Hybrid, Paid};

/// All services that we have a word for.
pub const SERVICES: &[Service] = &[
    service("MS", "message.messaging", &[], Paid, "Messaging"),
    service("CF", "meeting.meeting", &["meeting.spaces"], Paid, "Meetings in spaces, up to 25 or 200 people"),
    service(
        "EE",
        "meeting.webex_enterprise",
        &["meeting.webex_enterprise_200"],
        Paid,
        "Webex Meetings Suite, on a site",
    ),
    service("MC", "meeting.meeting_center", &[], Paid, "Webex Meeting Center, on a site"),
    service("TC", "meeting.training_center", &[], Paid, "Webex Training, on a site"),
    service("EC", "meeting.event_center", &[], Paid, "Webex Events, on a site"),
    service("SC", "meeting.support_center", &[], Paid, "Webex Support, on a site"),
    service("RTT", "meeting.real_time_translations", &[], Paid, "Real-time translations"),
    service(
        "BCSTD",
        "calling.professional",
        &["calling.standard_enterprise", "calling.calling_standard_enterprise"],
        Paid,
        "Webex Calling, Professional",
    ),
    service("BCBAS", "calling.basic", &["calling.calling_basic"], Paid, "Webex Calling, Basic"),
    service(
        "BCCA",
        "calling.common_area",
        &["calling.calling_common_area", "calling.workspace"],
        Paid,
        "Webex Calling for workspaces",
    ),
    service("BCHDO", "calling.hot_desk", &[], Paid, "Webex Calling, hot desk only"),
    service("BCRLC", "calling.route_list", &[], Paid, "Webex Calling, route list calls"),
    service("UCPREM", "calling.unified_cm", &[], Paid, "Unified Communications Manager"),
    service("CJPPRM", "care.premium", &["contact_center.premium"], Paid, "Contact Center, premium agent"),
    service("CJPSTD", "care.standard", &["contact_center.standard"], Paid, "Contact Center, standard agent"),
    service("EPC", "care.epic_connector", &[], Paid, "Contact Center, Epic desktop connector"),
    service("SFDSK", "care.salesforce_connector", &[], Paid, "Contact Center, Salesforce desktop connector"),
    // Of these no id is published: only the names tell.
    service(
        "",
        "care.digital_channel",
        &["care.care_digital_channel_service"],
        Paid,
        "Care, digital channels",
    ),
    service("", "care.voice", &["care.care_voice_service"], Paid, "Care, voice"),
    service("", "calling.attendant_console", &[], Paid, "Webex Calling, Attendant Console"),
    service("", "calling.customer_experience", &[], Paid, "Webex Calling, Customer Experience Essentials"),
    service("SD", "room.device", &[], Paid, "Room and desk devices"),
    service(
        "CE",
        "hybrid_calendar.microsoft_exchange",
        &["hybrid_calendar_services.microsoft_exchange"],
        Hybrid,
        "Hybrid calendar with Exchange",
    ),
    service(
        "CG",
        "hybrid_calendar.google",
        &["hybrid_calendar_services.google"],
        Hybrid,
        "Hybrid calendar with Google",
    ),
    service("HM", "hybrid_message.message", &["hybrid_message_services.message"], Hybrid, "Hybrid message"),
    service("", "hybrid_call.aware", &["hybrid_call_services.aware"], Hybrid, "Hybrid call aware"),
    service("", "hybrid_call.connect", &["hybrid_call_services.connect"], Hybrid, "Hybrid call connect"),
    service("FMS", "message.basic", &[], Free, "Basic messaging"),
    service("FSS", "meeting.screen_share", &[], Free, "Free screen share"),
    service("FTC", "calling.on_webex", &[], Free, "Call on Webex, one to one"),
    service("FTM", "meeting.basic", &[], Free, "Basic meetings in spaces"),
];

/// The key that a word of the vocabulary, or another spelling of it, stands for.
pub fn service_key(word: &str) -> Option<&'static str> {
    SERVICES
        .iter()
        .find(|service| service.key == word || service.also.contains(&word))
        .map(|service| service.key)
}

/// An entry of the cloud's catalogue in our words. A licence counts as paid when it belongs to
/// a subscription: counters of the others show the number of people, or nothing.
pub(super) fn license(wire: wire::License) -> License {
    let raw = ids::raw(ids::LICENSE, &wire.id);
    let after_org = raw.split_once(':').map_or("", |(_, rest)| rest);
    let mut parts = after_org.splitn(3, '_');
    let prefix = parts.next().unwrap_or_default();
    let site = parts.nth(1).filter(|site| !site.is_empty()).map(str::to_owned);

    let service = by_prefix(prefix).or_else(|| by_name(&wire.name));
    let subscription = wire.subscription_id.filter(|id| !id.is_empty());
    let kind = match service.map(|service| service.kind) {
        Some(Hybrid) => Hybrid,
        Some(Free) => Free,
        None if wire.name.to_ascii_lowercase().starts_with("hybrid") => Hybrid,
        _ if subscription.is_some() => Paid,
        _ => Free,
    };
    License {
        id: LicenseId::new(wire.id),
        name: wire.name,
        service: service.map(|service| service.key.to_owned()),
        kind,
        subscription,
        site: wire.site_url.filter(|site| !site.is_empty()).or(site),
        total: wire.total_units.0.filter(|total| *total > 0 && kind == Paid),
        consumed: wire.consumed_units.0.unwrap_or(0),
    }
}

fn by_prefix(prefix: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| !prefix.is_empty() && service.prefix.eq_ignore_ascii_case(prefix))
}

/// For the services whose id type is not known.
fn by_name(name: &str) -> Option<&'static Service> {
    let name = name.to_ascii_lowercase();
    let key = match () {
        () if name.contains("call aware") => "hybrid_call.aware",
        () if name.contains("call connect") => "hybrid_call.connect",
        () if name.contains("attendant console") => "calling.attendant_console",
        () if name.contains("customer experience") => "calling.customer_experience",
        () if name.contains("care") && name.contains("digital") => "care.digital_channel",
        () if name.contains("care") && name.contains("voice") => "care.voice",
        () => return None,
    };
    SERVICES.iter().find(|service| service.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique() {
        let mut words: Vec<&str> =
            SERVICES.iter().flat_map(|s| s.also.iter().copied().chain([s.key])).collect();
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
        assert_eq!(service_key("calling.standard_enterprise"), Some("calling.professional"));
        assert_eq!(service_key("shoes"), None);
    }

    #[test]
    fn the_manual_lists_them_all() {
        let page = include_str!("../../../docs/MAPPING.md");
        for service in SERVICES {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{}` | ", service.key)));
            let row = row.unwrap_or_else(|| panic!("{} is not in docs/MAPPING.md", service.key));
            assert!(row.contains(service.what), "{row}");
            assert!(service.also.iter().all(|also| row.contains(also)), "{row}");
            assert!(row.contains(service.prefix), "{row}");
        }
    }

    #[test]
    fn the_catalogue_in_our_words() {
        let org = "3d1f7a52-6a0e-4c58-9b7e-0a11ce000001";
        let read = |raw: &str, rest: &str| {
            let id = ids::public(ids::LICENSE, &format!("{org}:{raw}"));
            license(serde_json::from_str(&format!(r#"{{"id":"{id}",{rest}}}"#)).unwrap())
        };
        let sub = r#""subscriptionId":"Sub1""#;
        for (raw, rest, key, kind, total, site) in [
            (
                "MS_u",
                format!(r#""name":"Advanced Messaging","totalUnits":250,"consumedUnits":250,{sub}"#),
                Some("message.messaging"),
                Paid,
                Some(250),
                None,
            ),
            (
                "EE_u_l.webex.com",
                format!(r#""name":"Suite","totalUnits":200,{sub}"#),
                Some("meeting.webex_enterprise"),
                Paid,
                Some(200),
                Some("l.webex.com"),
            ),
            (
                "MS_u",
                format!(r#""name":"Unlimited","totalUnits":-1,{sub}"#),
                Some("message.messaging"),
                Paid,
                None,
                None,
            ),
            (
                "MS_u",
                format!(r#""name":"Null","totalUnits":null,{sub}"#),
                Some("message.messaging"),
                Paid,
                None,
                None,
            ),
            (
                "FMS_u",
                r#""name":"Basic Messaging","totalUnits":412,"consumedUnits":412"#.into(),
                Some("message.basic"),
                Free,
                None,
                None,
            ),
            (
                "CE_u",
                r#""name":"Hybrid - Exchange Calendar","totalUnits":1"#.into(),
                Some("hybrid_calendar.microsoft_exchange"),
                Hybrid,
                None,
                None,
            ),
            ("XY_u", r#""name":"Hybrid Call Aware""#.into(), Some("hybrid_call.aware"), Hybrid, None, None),
            (
                "BCATT_u",
                format!(r#""name":"Attendant Console","totalUnits":3,{sub}"#),
                Some("calling.attendant_console"),
                Paid,
                Some(3),
                None,
            ),
            (
                "CARE_u",
                format!(r#""name":"Care Digital Channel","totalUnits":3,{sub}"#),
                Some("care.digital_channel"),
                Paid,
                Some(3),
                None,
            ),
            ("ZZ_u", r#""name":"Hybrid - New","totalUnits":1"#.into(), None, Hybrid, None, None),
            ("ZZ_u", format!(r#""name":"New","totalUnits":3,{sub}"#), None, Paid, Some(3), None),
            ("ZZ_u", r#""name":"New","totalUnits":3"#.into(), None, Free, None, None),
        ] {
            let license = read(raw, &rest);
            assert_eq!(license.service.as_deref(), key, "{rest}");
            assert_eq!((license.kind, license.total, license.site.as_deref()), (kind, total, site), "{rest}");
        }
    }
}
