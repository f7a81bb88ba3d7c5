//! Who gets which telephone, and why not.

use super::*;
use crate::model::{Catalogue, License, LicenseKind, Managed, Place, SourceId};
use crate::plan::tests_support::person;
use crate::plan::{Leavers, Policy, decide};

fn wanted(extension: Option<&str>, phone: Option<&str>, pool: Option<(u32, u32)>) -> Telephone {
    Telephone {
        place: Some(Place { id: "L".into(), name: "Leeds".into() }),
        phone: phone.map(Into::into),
        extension: extension.map(Into::into),
        pool,
    }
}

fn in_use(place: &str, extension: Option<&str>, phone: Option<&str>, owner: Option<&str>) -> InUse {
    InUse {
        place: Some(place.into()),
        phone: phone.map(Into::into),
        extension: extension.map(Into::into),
        owner: owner.map(CloudId::new),
    }
}

fn anchor(name: &str) -> SourceId {
    SourceId::new(crate::model::Key::exact(name).0)
}

#[test]
fn nobody_gets_what_another_has() {
    let used = [
        in_use("L", Some("2000"), None, Some("ann")),
        in_use("M", Some("2001"), None, Some("bob")),
        in_use("L", Some("2002"), Some("+4930123456"), None),
        in_use("L", Some("2009"), None, Some("joe")),
    ];
    let claim = |name: &str| (anchor(name), format!("cn={name}"));
    let dispute = |winner: Option<&str>, nobody| Dispute {
        claimants: vec![claim("ann"), claim("eve")],
        winner: winner.map(anchor),
        nobody,
    };
    let place = |extension: &str| ("L".to_owned(), extension.to_owned());
    let all = BTreeMap::from([
        (place("2000"), dispute(None, false)),
        (place("2004"), dispute(None, false)),
        (place("2005"), dispute(Some("eve"), false)),
        (place("2006"), dispute(None, true)),
    ]);
    let owners = BTreeMap::from([(CloudId::new("ann"), "cn=ann".to_owned())]);
    let kept = BTreeMap::from([("L".to_owned(), [2008].into()), ("M".to_owned(), [2003].into())]);
    let mut lines = Lines::open(Some(&used)).disputed(Disputes { all, owners, kept, ..Disputes::default() });
    let mut claim = |wanted: &Telephone, who: &str| {
        lines
            .claim(wanted, Some(&CloudId::new(who)), anchor(who), who, true)
            .map(|telephone| telephone.words())
            .map_err(|(reason, _)| reason)
    };
    let extension = |extension| wanted(Some(extension), None, None);
    for (want, who, got) in [
        (extension("2000"), "eve", Err("extension 2000 at Leeds is in use by \"cn=ann\"")),
        (extension("2000"), "ann", Ok("extension 2000 at Leeds")),
        (
            extension("2009"),
            "eve",
            Err("extension 2009 at Leeds is in use by account joe, which no record claims"),
        ),
        (extension("2001"), "eve", Ok("extension 2001 at Leeds")),
        (
            extension("2004"),
            "eve",
            Err(
                "extension 2004 at Leeds is also claimed by \"cn=ann\", and nobody gets it (people.collisions)",
            ),
        ),
        (
            extension("2005"),
            "ann",
            Err(
                "extension 2005 at Leeds is also claimed by \"cn=eve\"; \"cn=eve\" gets it (people.collisions)",
            ),
        ),
        (extension("2005"), "eve", Ok("extension 2005 at Leeds")),
        (
            extension("2006"),
            "ann",
            Err(
                "extension 2006 at Leeds is also claimed by \"cn=eve\", and nobody gets it (people.collisions)",
            ),
        ),
        (
            wanted(None, Some("+4930123456"), None),
            "ann",
            Err("number +4930123456 is in use by something that is no person"),
        ),
        // What others claim is not taken out of a pool, at their place and in its range.
        (wanted(None, None, Some((2000, 2008))), "eve", Ok("extension 2003 at Leeds")),
        (wanted(None, None, Some((2000, 2008))), "eve", Ok("extension 2007 at Leeds")),
        (extension("2007"), "ann", Err("extension 2007 at Leeds was just given to \"eve\"")),
        (
            wanted(None, None, Some((2000, 2008))),
            "ann",
            Err("all extensions from 2000 to 2008 are in use or claimed by somebody"),
        ),
        (extension("2008"), "joe", Ok("extension 2008 at Leeds")),
    ] {
        assert_eq!(claim(&want, who), got.map(Into::into).map_err(Into::into));
    }
}

#[test]
fn what_needs_a_telephone_is_not_given_without_one() {
    let ids = ["std", "voice", "msg"].map(LicenseId::new);
    let service = ["calling.basic", "care.voice", "message.messaging"];
    let license = |(id, service): (&LicenseId, &str)| License {
        id: id.clone(),
        name: "x".into(),
        service: Some(service.into()),
        kind: LicenseKind::Paid,
        subscription: None,
        site: None,
        total: Some(1),
        consumed: 0,
    };
    let catalogue = Catalogue(ids.iter().zip(service).map(license).collect());
    let mut ann = person("ann");
    ann.licenses = ids.clone().into();
    for (telephone, given) in
        [(None, &ids[2..]), (Some(Box::new(Line::Ready(wanted(Some("20"), None, None)))), &ids[..])]
    {
        ann.telephone = telephone;
        let case = Case {
            anchor: SourceId::new([1; 16]),
            kind: Default::default(),
            dn: None,
            wish: Wish::Present(ann.clone()),
            row: None,
            seen: Seen::Missing,
            matched: None,
            held: None,
            protected: false,
            proven: true,
            standing: None,
        };
        let policy = Policy {
            managed: Managed::default(),
            leavers: Leavers::default(),
            full_admin: None,
            tenure: Tenure::default().over(&catalogue),
            adopt: true,
            may_remove: true,
            may_strip: true,
            now: 0,
        };
        let mut seats = Seats::default();
        let mut decision = decide(&case, &policy, &mut seats);
        Lines::open(Some(&[])).settle(&case, &mut decision, &policy.tenure, &mut seats);
        let gives = decision.actions.iter().filter(|action| action.kind == Kind::LicenseAdd);
        let gives: BTreeSet<String> =
            gives.flat_map(|action| &action.changes).map(|change| change.field.to_string()).collect();
        assert_eq!(gives, given.iter().map(|id| format!("license:{id}")).collect());
    }
}

#[test]
fn whoever_only_asks_takes_nothing() {
    let mut lines = Lines::open(Some(&[in_use("L", Some("20"), None, Some("ann"))])).asking();
    for name in ["a", "b"] {
        assert!(lines.claim(&wanted(None, None, Some((20, 21))), None, anchor(name), name, true).is_ok());
    }
    assert!(lines.claim(&wanted(Some("20"), None, None), None, anchor("b"), "b", true).is_err());
}

#[test]
fn nothing_is_taken_from_a_pool_in_the_dark() {
    let mut lines = Lines::open(None);
    assert!(lines.claim(&wanted(None, None, Some((20, 29))), None, anchor("a"), "a", true).is_err());
    assert!(lines.claim(&wanted(Some("20"), None, None), None, anchor("a"), "a", true).is_ok());
    // Nor while somebody may claim what nobody read.
    let unread = Disputes { unread: true, ..Disputes::default() };
    let mut lines = Lines::open(Some(&[])).disputed(unread);
    assert!(lines.claim(&wanted(None, None, Some((20, 29))), None, anchor("a"), "a", true).is_err());
    assert!(lines.claim(&wanted(Some("20"), None, None), None, anchor("a"), "a", true).is_ok());
}
