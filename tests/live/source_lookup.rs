//! Lookups of single objects: exactly the records of a full read, and no silence that could be
//! taken for a proof.

use std::time::Duration;

use dirsyncd::model::{Ask, Fingerprint, Found, Lookup, MANY, Record, RecordKind, Redacted, SourceId};
use dirsyncd::source::Source;
use dirsyncd::source::ldap::{LdapSource, Settings};

use crate::reading::{ask, find, read_ldap, reasons, samba_settings, slapd_settings};
use crate::support::fake_ldap::{Answer, FakeLdap, Request, entry};
use crate::support::samba::{self, Samba};
use crate::support::slapd::{self, Options, Slapd, group_ldif, people_ldif};

async fn fetch(settings: &Settings, ask: &Ask, lookup: Lookup) -> Found {
    LdapSource::new(settings.clone()).fetch(ask, lookup).await.expect("an answer")
}

fn anchors(records: &[&Record]) -> Vec<SourceId> {
    records.iter().map(|record| record.anchor).collect()
}

/// As records compare: anchor and fingerprint.
fn prints<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<(SourceId, String, Fingerprint)> {
    let print = |record: &Record| (record.anchor, record.dn.clone(), record.fingerprint(Fingerprint::NONE));
    let mut prints: Vec<_> = records.into_iter().map(print).collect();
    prints.sort();
    prints
}

fn assert_same(found: &Found, expected: &[&Record]) {
    assert!(found.gaps.is_empty(), "{:?}", found.gaps);
    assert!(found.unusable.is_empty(), "{:?}", found.unusable);
    assert_eq!(prints(&found.records), prints(expected.iter().copied()));
}

fn of(records: &[Record], kind: RecordKind) -> Vec<&Record> {
    records.iter().filter(|record| record.kind == kind).collect()
}

fn uid(n: usize) -> String {
    format!("uid=u{n},ou=people,{}", slapd::SUFFIX)
}

fn nobody() -> SourceId {
    SourceId::new([0xee; 16])
}

fn company() -> Slapd {
    let odd = format!(
        "dn: uid=odd,ou=people,{0}\nobjectClass: inetOrgPerson\nuid: odd\ncn: Odd (One)*\\\nsn: Ödd\n\
         jpegPhoto:: /9j/4AAQSkY=\nmanager: {1}\n\n\
         dn: ou=north,ou=people,{0}\nobjectClass: organizationalUnit\nou: north\n\n\
         dn: uid=n1,ou=north,ou=people,{0}\nobjectClass: inetOrgPerson\nuid: n1\ncn: N1\nsn: N1\nmanager: {1}\n\n\
         dn: uid=stranger,{0}\nobjectClass: inetOrgPerson\nuid: stranger\ncn: S\nsn: S\n\n",
        slapd::SUFFIX,
        uid(1)
    );
    let unique = format!(
        "dn: cn=unique,ou=groups,{0}\nobjectClass: groupOfUniqueNames\ncn: unique\nuniqueMember: {1}\n\n\
         dn: cn=unix,ou=groups,{0}\nobjectClass: posixGroup\ncn: unix\ngidNumber: 7\nmemberUid: u1\n\n",
        slapd::SUFFIX,
        uid(2)
    );
    let members: Vec<String> = (1..200).map(uid).collect();
    Options::default()
        .ldif(&people_ldif(1, 250))
        .ldif(&odd)
        .ldif(&group_ldif("many", members.iter().map(String::as_str)))
        .ldif(&unique)
        .start()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_looked_up_as_they_are_read() {
    let slapd = company();
    let settings = slapd_settings(&slapd);
    let ask = ask(&["uid", "mail", "cn", "jpegphoto", "manager", "entryuuid"]);
    let (records, census) = read_ldap(&settings, &ask).await;
    assert!(census.is_whole(), "{:?}", reasons(&census));
    let people = of(&records, RecordKind::Person);
    assert_eq!(people.len(), 252);

    // By anchor, more than one filter holds; one of them is nobody's.
    let mut wanted = anchors(&people);
    wanted.push(nobody());
    assert_same(&fetch(&settings, &ask, Lookup::People(wanted)).await, &people);
    // Groups are none of the people.
    let groups = anchors(&of(&records, RecordKind::Group));
    assert_same(&fetch(&settings, &ask, Lookup::People(groups)).await, &[]);

    // By DN: however it is written, and only where it is in scope.
    let odd = find(&records, "uid", "odd");
    let at = vec![
        format!("UID=odd, OU=People,{}", slapd::SUFFIX),
        odd.dn.clone(),
        uid(3),
        format!("uid=gone,ou=people,{}", slapd::SUFFIX),
        format!("uid=stranger,{}", slapd::SUFFIX),
        format!("ou=north,ou=people,{}", slapd::SUFFIX),
    ];
    let expected = [odd, find(&records, "uid", "u3")];
    assert_same(&fetch(&settings, &ask, Lookup::PeopleAt(at)).await, &expected);
    let at = people.iter().map(|record| record.dn.clone()).collect();
    assert_same(&fetch(&settings, &ask, Lookup::PeopleAt(at)).await, &people);

    // Below.
    let north = find(&records, "uid", "n1");
    for (dn, expected) in [
        (format!("ou=north,ou=people,{}", slapd::SUFFIX), vec![north]),
        (format!("ou=south,ou=people,{}", slapd::SUFFIX), vec![]),
        (format!("ou=groups,{}", slapd::SUFFIX), vec![]),
        (slapd::SUFFIX.to_owned(), people.clone()),
    ] {
        assert_same(&fetch(&settings, &ask, Lookup::PeopleBelow(vec![dn])).await, &expected);
    }

    // By value.
    let with = |attribute: &str, values: &[&[u8]]| Lookup::PeopleWith {
        attribute: attribute.into(),
        values: values.iter().map(|value| value.to_vec()).collect(),
    };
    let manager = uid(1);
    assert_same(&fetch(&settings, &ask, with("manager", &[manager.as_bytes()])).await, &[odd, north]);
    assert_same(&fetch(&settings, &ask, with("cn", &[b"Odd (One)*\\", b"*"])).await, &[odd]);
    let found = fetch(&settings, &ask, with("cn=*)(uid", &[b"u1"])).await;
    assert!(found.records.is_empty() && found.gaps.len() == 1, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_looked_up_whole() {
    let slapd = company();
    let settings = slapd_settings(&slapd);
    let ask = ask(&["uid"]);
    let (records, _) = read_ldap(&settings, &ask).await;
    let groups = of(&records, RecordKind::Group);
    assert_eq!(groups.len(), 3);
    let mut wanted = anchors(&groups);
    wanted.extend([nobody(), find(&records, "uid", "u1").anchor]);
    assert_same(&fetch(&settings, &ask, Lookup::Groups(wanted)).await, &groups);
    let (many, unique) = (find(&records, "cn", "many"), find(&records, "cn", "unique"));
    for (holds, expected) in [
        (vec![uid(1)], vec![many]),
        ((1..=200).map(uid).collect(), vec![many, unique]),
        (vec![uid(250), format!("cn=*,{}", slapd::SUFFIX)], vec![]),
    ] {
        assert_same(&fetch(&settings, &ask, Lookup::GroupsHolding(holds)).await, &expected);
    }

    // Below a unit, and the units themselves.
    let unit = |ou: &str| format!("{ou},{}", slapd::SUFFIX);
    for (dn, expected) in [
        (slapd::SUFFIX.to_owned(), groups.clone()),
        (unit("ou=groups"), groups.clone()),
        (unit("ou=people"), vec![]),
        (unit("ou=nowhere"), vec![]),
    ] {
        assert_same(&fetch(&settings, &ask, Lookup::GroupsBelow(vec![dn])).await, &expected);
    }
    for (dn, expected) in [
        (unit("ou=people"), &["ou=people", "ou=north,ou=people"][..]),
        (unit("ou=north,ou=people"), &["ou=north,ou=people"]),
        (unit("ou=nowhere"), &[]),
    ] {
        let found = fetch(&settings, &ask, Lookup::ContainersBelow(vec![dn])).await;
        assert_eq!(found.gaps, Vec::<String>::new());
        let mut dns: Vec<_> = found.containers.into_iter().map(|container| container.dn).collect();
        dns.sort_by_key(String::len);
        assert_eq!(dns, expected.iter().map(|ou| unit(ou)).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_is_that_of_a_full_read() {
    let person = |name: &str| {
        format!("dn: cn={name},ou=people,{}\nobjectClass: person\ncn: {name}\nsn: {name}\n\n", slapd::SUFFIX)
    };
    let slapd = Options::default().ldif(&person("Ann")).ldif(&person("Bob")).start();
    let settings = slapd_settings(&slapd);
    let ask = ask(&["cn"]);
    let (records, _) = read_ldap(&settings, &ask).await;
    let people = of(&records, RecordKind::Person);
    assert_eq!(people.len(), 2);
    assert_same(&fetch(&settings, &ask, Lookup::People(anchors(&people))).await, &people);
    // With the first inetOrgPerson a full read finds nobody else any more.
    slapd.modify(&people_ldif(1, 1));
    let (now, _) = read_ldap(&settings, &ask).await;
    assert_eq!(of(&now, RecordKind::Person).len(), 1);
    assert_same(&fetch(&settings, &ask, Lookup::People(anchors(&people))).await, &[]);
    // A configured filter may lack its parentheses.
    let mut settings = settings;
    settings.person_filter = Some("sn=Bob".into());
    let bob = find(&records, "cn", "Bob");
    assert_same(&fetch(&settings, &ask, Lookup::People(anchors(&people))).await, &[bob]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_anchor_is_looked_up_while_it_is_a_uuid() {
    const UUID: &str = "6F1D3C1E-0A2B-4C3D-8E9F-001122334455";
    let slapd = Options::default().ldif(&people_ldif(1, 2)).start();
    slapd.modify(&format!(
        "dn: {}\nchangetype: modify\nreplace: employeeNumber\nemployeeNumber: {UUID}\n\n",
        uid(1)
    ));
    let settings = Settings { anchor: Some("employeeNumber".into()), ..slapd_settings(&slapd) };
    let ask = ask(&["uid"]);
    let (records, _) = read_ldap(&settings, &ask).await;
    let (first, second) = (find(&records, "uid", "u1"), find(&records, "uid", "u2"));
    assert_same(&fetch(&settings, &ask, Lookup::People(vec![first.anchor])).await, &[first]);
    let found = fetch(&settings, &ask, Lookup::People(anchors(&[first, second]))).await;
    assert_eq!(found.records.len(), 1);
    assert!(found.gaps[0].contains("employeenumber"), "{:?}", found.gaps);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_sees_nothing_proves_nothing() {
    let hidden = |acl: &str| {
        Options::default()
            .ldif(&people_ldif(1, 5))
            .access(&format!("access to {acl} by dn.exact=\"{}\" none by users read", slapd::READER))
            .start()
    };
    let people = format!("ou=people,{}", slapd::SUFFIX);
    for (acl, words) in [
        (format!("dn.subtree=\"{people}\""), "hidden"),
        (format!("dn.children=\"{people}\""), "proves nothing"),
    ] {
        let slapd = hidden(&acl);
        let full = Settings { bind: Some(slapd::ADMIN.into()), ..slapd_settings(&slapd) };
        let ask = ask(&["uid"]);
        let (records, _) = read_ldap(&full, &ask).await;
        let known = of(&records, RecordKind::Person);
        for lookup in [
            Lookup::People(anchors(&known)),
            Lookup::PeopleAt(vec![uid(1)]),
            Lookup::PeopleBelow(vec![people.clone()]),
        ] {
            let found = fetch(&slapd_settings(&slapd), &ask, lookup).await;
            assert!(found.records.is_empty());
            assert!(found.gaps.iter().any(|gap| gap.contains(words)), "{acl}: {:?}", found.gaps);
            assert_same(&fetch(&full, &ask, Lookup::People(anchors(&known))).await, &known);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_missing_bases_are_gaps() {
    let slapd = Options::default().ldif(&people_ldif(1, 150)).size_limit(20).start();
    let mut settings = slapd_settings(&slapd);
    let ask = ask(&["uid"]);
    let (records, _) = read_ldap(&settings, &ask).await;
    let people = of(&records, RecordKind::Person);
    settings.bind = Some(slapd::LIMITED.into());
    let found = fetch(&settings, &ask, Lookup::People(anchors(&people))).await;
    assert!(found.gaps[0].contains("sizeLimitExceeded (4)"), "{:?}", found.gaps);
    assert!(!found.records.is_empty());

    let mut settings = slapd_settings(&slapd);
    settings.bases.push(format!("ou=gone,{}", slapd::SUFFIX));
    let found = fetch(&settings, &ask, Lookup::People(vec![people[0].anchor])).await;
    assert_eq!(found.records.len(), 1);
    assert!(found.gaps.iter().any(|gap| gap.contains("ou=gone")), "{:?}", found.gaps);

    let many = (0..=MANY).map(|n| format!("uid=x{n},ou=people,{}", slapd::SUFFIX)).collect();
    let found = fetch(&slapd_settings(&slapd), &ask, Lookup::PeopleAt(many)).await;
    assert!(found.gaps[0].contains("too many"), "{:?}", found.gaps);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_looked_up_as_it_is_read() {
    let samba = Samba::start();
    let ann = samba.add_user("ann", "Ann Lee");
    let bob = samba.add_user("bob", "Bob Ray");
    let cy = samba.add_user("cy", "Cy Fox");
    let staff = samba.add_group("Staff", &[&ann, &bob]);
    samba.modify(&format!(
        "dn: {cy}\nchangetype: modify\nreplace: thumbnailPhoto\nthumbnailPhoto:: /9j/4AAQSkY=\n-\n\
         replace: manager\nmanager: {ann}\n-\n\n"
    ));
    samba.disable(&bob);
    samba.set(&cy, "accountExpires", "134116992000000000");
    let settings = samba_settings(&samba);
    let ask = ask(&["mail", "samaccountname", "objectguid", "objectsid", "useraccountcontrol", "manager"]);
    let (records, census) = read_ldap(&settings, &ask).await;
    assert!(census.is_whole(), "{:?}", reasons(&census));
    let people = of(&records, RecordKind::Person);
    let groups = of(&records, RecordKind::Group);
    assert!(people.iter().any(|person| person.text("primaryGroup").is_some()));
    assert!(groups.len() > 30);

    let mut wanted = anchors(&people);
    wanted.push(nobody());
    assert_same(&fetch(&settings, &ask, Lookup::People(wanted)).await, &people);
    assert_same(&fetch(&settings, &ask, Lookup::Groups(anchors(&groups))).await, &groups);
    let person = |login: &str| find(&records, "samaccountname", login);
    let at = vec![ann.clone(), staff.clone(), bob.to_uppercase(), format!("CN=Gone,{}", samba::SUFFIX)];
    let found = fetch(&settings, &ask, Lookup::PeopleAt(at)).await;
    assert_same(&found, &[person("ann"), person("bob")]);
    let below = vec![format!("OU=Corp,{}", samba::SUFFIX), format!("OU=Sales,OU=Corp,{}", samba::SUFFIX)];
    let found = fetch(&settings, &ask, Lookup::PeopleBelow(below)).await;
    assert_same(&found, &[person("ann"), person("bob"), person("cy")]);
    let reports = Lookup::PeopleWith { attribute: "manager".into(), values: vec![ann.clone().into_bytes()] };
    assert_same(&fetch(&settings, &ask, reports).await, &[person("cy")]);
    let holding = fetch(&settings, &ask, Lookup::GroupsHolding(vec![ann.clone(), bob])).await;
    assert_same(&holding, &[find(&records, "cn", "Staff")]);

    // Groups outside the bases are nobody's primary group, in a lookup as in a read.
    let corp = Settings { bases: vec![format!("OU=Corp,{}", samba::SUFFIX)], ..settings.clone() };
    let (records, _) = read_ldap(&corp, &ask).await;
    let inside = of(&records, RecordKind::Person);
    assert!(inside.iter().all(|person| person.text("primaryGroup").is_none()));
    assert_same(&fetch(&corp, &ask, Lookup::People(anchors(&people))).await, &inside);

    // Deleted is not found, and nothing is left open.
    samba.delete(&ann);
    let gone = vec![find(&records, "samaccountname", "ann").anchor];
    assert_same(&fetch(&settings, &ask, Lookup::People(gone)).await, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_no_people_however_they_are_looked_up() {
    let room = |n: usize| {
        format!("dn: {}\nchangetype: modify\nreplace: employeeType\nemployeeType: room\n\n", uid(n))
    };
    let slapd = Options::default().ldif(&people_ldif(1, 5)).size_limit(1).start();
    slapd.modify(&room(1));
    slapd.modify(&room(2));
    let mut settings = slapd_settings(&slapd);
    settings.room_filter = Some("(employeeType=room)".into());
    let ask = ask(&["uid", "l"]);
    let (records, census) = read_ldap(&settings, &ask).await;
    assert!(census.is_whole(), "{:?}", reasons(&census));
    let (rooms, people) = (of(&records, RecordKind::Room), of(&records, RecordKind::Person));
    assert_eq!((rooms.len(), people.len(), census.people), (2, 3, 5));
    let all: Vec<&Record> = records.iter().collect();
    for lookup in [
        Lookup::People(anchors(&all)),
        Lookup::PeopleAt((1..=5).map(uid).collect()),
        Lookup::PeopleBelow(vec![slapd::SUFFIX.into()]),
        Lookup::PeopleWith { attribute: "l".into(), values: vec![b"Berlin".to_vec()] },
    ] {
        assert_same(&fetch(&settings, &ask, lookup).await, &all);
    }
    // While rooms are not known, nobody is taken for a person.
    settings.bind = Some(slapd::LIMITED.into());
    let found = fetch(&settings, &ask, Lookup::People(anchors(&all))).await;
    assert!(!found.gaps.is_empty());
    assert!(found.records.iter().all(|record| record.kind == RecordKind::Room), "{found:?}");
    let error = crate::reading::refused(&settings).await;
    assert!(error.what.contains("sizeLimitExceeded"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_photos_and_ids_of_a_domain() {
    let samba = Samba::start();
    let ann = samba.add_user("ann", "Ann Lee");
    samba.modify(&format!(
        "dn: CN=Out Side,OU=Sales,OU=Corp,{}\nobjectClass: contact\nmail: out@side.test\n\n\
         dn: {ann}\nchangetype: modify\nreplace: thumbnailPhoto\nthumbnailPhoto:: /9j/4AAQSkY=\n-\n\n",
        samba::SUFFIX
    ));
    let ask = ask(&["mail", "thumbnailphoto", "objectguid", "objectsid"]);
    let mut settings = samba_settings(&samba);
    settings.bases = vec![format!("OU=Corp,{}", samba::SUFFIX)];
    let (records, _) = read_ldap(&settings, &ask).await;
    assert!(of(&records, RecordKind::Contact).is_empty());
    // A filter that lets contacts through does not make people of them.
    settings.person_filter = Some("(objectCategory=person)".into());
    let (records, _) = read_ldap(&settings, &ask).await;
    assert_eq!(find(&records, "mail", "out@side.test").kind, RecordKind::Contact);
    settings.person_filter = None;
    settings.contacts = true;
    let (records, census) = read_ldap(&settings, &ask).await;
    assert_eq!(census.people, 1);
    let contact = find(&records, "mail", "out@side.test");
    assert_eq!(contact.kind, RecordKind::Contact);
    assert_same(&fetch(&settings, &ask, Lookup::People(vec![contact.anchor])).await, &[contact]);

    let person = find(&records, "mail", "ann@example.test");
    assert_eq!(person.text("objectGUID"), Some(person.anchor.to_string().as_str()));
    assert!(person.text("objectSid").is_some_and(|sid| sid.starts_with("S-1-5-21-")), "{person:?}");
    let photo = person.text("thumbnailPhoto").map(str::to_owned).expect("a digest");
    assert_eq!(photo.len(), 32);
    samba.modify(&format!(
        "dn: {ann}\nchangetype: modify\nreplace: thumbnailPhoto\nthumbnailPhoto:: /9j/5AAQSkY=\n-\n\n"
    ));
    let found = fetch(&settings, &ask, Lookup::PeopleAt(vec![ann])).await;
    assert_ne!(found.records[0].text("thumbnailPhoto"), Some(photo.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_changes_knows_the_units() {
    let slapd = company();
    let (_, census) = read_ldap(&slapd_settings(&slapd), &ask(&["uid"])).await;
    assert!(census.is_whole());
    assert_eq!(census.cursor.is_some(), !census.containers.is_empty());
    if census.cursor.is_some() {
        let dns: Vec<String> = census.containers.iter().map(|unit| unit.dn.clone()).collect();
        for unit in ["ou=people", "ou=north,ou=people", "ou=groups"] {
            assert!(dns.contains(&format!("{unit},{}", slapd::SUFFIX)), "{dns:?}");
        }
        assert_eq!(dns.len(), 3, "{dns:?}");
    }
}

/// A domain controller that answers searches below its root entry by the function, which is told
/// base, scope, attributes and filter.
fn controller(
    search: impl Fn(&str, u8, &[String]) -> Vec<Answer> + Send + Sync + 'static,
) -> (FakeLdap, Settings) {
    let server = FakeLdap::start(move |request| match request {
        Request::Search { base, .. } if base.is_empty() => vec![
            entry(
                "",
                &[
                    ("defaultNamingContext", &["DC=example,DC=test"]),
                    ("supportedCapabilities", &["1.2.840.113556.1.4.800"]),
                ],
            ),
            Answer::Done(0, "", None),
        ],
        Request::Search { base, scope: 0, .. } if base == "DC=example,DC=test" => {
            vec![entry(base, &[]), Answer::Done(0, "", None)]
        }
        Request::Search { base, scope, attributes, .. } => search(base, *scope, attributes),
        Request::Bind { .. } | Request::Other => vec![Answer::Done(0, "", None)],
    });
    let settings = Settings {
        danger_plain_ldap: true,
        bind: Some("svc@example.test".into()),
        password: Redacted("secret".into()),
        operation_timeout: Duration::from_secs(1),
        ..Settings::new("domain", &[&server.url()])
    };
    (server, settings)
}

fn person(n: u8) -> Answer {
    let name = format!("CN=P{n},DC=example,DC=test");
    Answer::Entry(name, vec![("objectGUID".into(), vec![vec![n; 16]])])
}

fn done(code: u8) -> Answer {
    Answer::Done(code, "not now", None)
}

fn only_people() -> Ask {
    Ask { groups: false, ..ask(&["mail"]) }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_a_gap() {
    for (code, word) in [
        (1, "operationsError"),
        (3, "timeLimitExceeded"),
        (4, "sizeLimitExceeded"),
        (10, "referral"),
        (11, "adminLimitExceeded"),
        (12, "unavailableCriticalExtension"),
        (32, "noSuchObject"),
        (50, "insufficientAccessRights"),
        (51, "busy"),
        (52, "unavailable"),
        (80, "other"),
    ] {
        let (_server, settings) = controller(move |_, _, _| vec![person(1), done(code)]);
        let anchors = vec![SourceId::new([1; 16]), SourceId::new([2; 16])];
        for lookup in [
            Lookup::People(anchors.clone()),
            Lookup::PeopleBelow(vec!["DC=example,DC=test".into()]),
            Lookup::PeopleWith { attribute: "mail".into(), values: vec![b"x".to_vec()] },
        ] {
            let found = fetch(&settings, &only_people(), lookup).await;
            assert!(found.gaps.iter().any(|gap| gap.contains(word)), "{code}: {:?}", found.gaps);
        }
        let at = Lookup::PeopleAt(vec!["CN=P1,DC=example,DC=test".into(), "CN=P2,DC=example,DC=test".into()]);
        let found = fetch(&settings, &only_people(), at).await;
        // No such object there, or another domain's. And nobody was seen at all.
        let told = found.gaps.iter().any(|gap| gap.contains(word));
        assert!(told && !found.gaps.is_empty(), "{code}: {:?}", found.gaps);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_answering_leaves_a_gap() {
    let lookups = || {
        [
            Lookup::People(vec![SourceId::new([1; 16])]),
            Lookup::PeopleAt((0..100).map(|n| format!("CN=P{n},DC=example,DC=test")).collect()),
        ]
    };
    for (answers, words) in [
        (vec![], "no answer from the server"),
        (vec![b"close".to_vec()], "connection"),
        (vec![vec![0x30, 0x03, 0x02, 0x01]], "stopped answering"),
    ] {
        for lookup in lookups() {
            let parts = answers.clone();
            let (_server, settings) = controller(move |_, _, _| {
                let part = |bytes: &Vec<u8>| match bytes.as_slice() {
                    b"close" => Answer::Close,
                    bytes => Answer::Raw(bytes.to_vec()),
                };
                parts.iter().map(part).collect()
            });
            let found = fetch(&settings, &only_people(), lookup).await;
            assert!(found.records.is_empty());
            assert!(found.gaps.iter().any(|gap| gap.contains(words)), "{words}: {:?}", found.gaps);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_cannot_be_used_is_told() {
    let (_server, settings) = controller(|_, _, _| {
        let nameless = Answer::Entry("CN=X,DC=example,DC=test".into(), vec![]);
        vec![person(1), nameless, done(0)]
    });
    let found = fetch(&settings, &only_people(), Lookup::People(vec![SourceId::new([1; 16])])).await;
    assert_eq!(found.records.len(), 1);
    assert_eq!(found.unusable[0].dn, "CN=X,DC=example,DC=test");
    // A group that cannot be used makes memberships uncertain.
    let found = fetch(&settings, &ask(&[]), Lookup::Groups(vec![SourceId::new([1; 16])])).await;
    assert!(found.gaps[0].contains("memberships"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_deleted_objects_is_passed_over() {
    let (_server, settings) = controller(|_, _, attributes| {
        if attributes.iter().any(|name| name == "member") {
            return vec![done(0)];
        }
        let dn = r"CN=P2\0ADEL:02020202-0202-0202-0202-020202020202,CN=Deleted Objects,DC=example,DC=test";
        let left = Answer::Entry(dn.into(), vec![("objectGUID".into(), vec![vec![2; 16]])]);
        vec![person(1), left, done(0)]
    });
    let (records, census) = read_ldap(&settings, &ask(&["mail"])).await;
    assert_eq!((records.len(), census.unusable.len(), census.is_whole()), (1, 0, true));
    let both = Lookup::People(vec![SourceId::new([1; 16]), SourceId::new([2; 16])]);
    assert_same(&fetch(&settings, &only_people(), both).await, &[&records[0]]);
}

/// A group as Active Directory shows it: at most 1500 of 4000 members at once.
fn crowd(from: usize) -> Answer {
    let to = 4000.min(from + 1500);
    let range = match to {
        4000 => format!("member;range={from}-*"),
        to => format!("member;range={from}-{}", to - 1),
    };
    let member = |n: usize| format!("CN=M{n},DC=example,DC=test").into_bytes();
    let attributes = vec![
        ("objectGUID".into(), vec![vec![9; 16]]),
        ("cn".into(), vec![b"Crowd".to_vec()]),
        ("member".into(), vec![]),
        (range, (from..to).map(member).collect()),
    ];
    Answer::Entry("CN=Crowd,DC=example,DC=test".into(), attributes)
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_of_members_are_whole_in_a_lookup_too() {
    let (_server, settings) = controller(|_, scope, attributes| {
        let members = attributes.iter().any(|name| name == "member");
        let range = attributes.iter().find_map(|name| name.strip_prefix("member;range="));
        match (scope, range) {
            (0, Some(range)) => {
                let from = range.strip_suffix("-*").expect("to the end").parse().expect("a number");
                vec![crowd(from), done(0)]
            }
            _ if members => vec![crowd(0), done(0)],
            _ => vec![person(1), done(0)],
        }
    });
    let ask = ask(&["mail"]);
    let (records, _) = read_ldap(&settings, &ask).await;
    let crowd = find(&records, "cn", "Crowd");
    assert_eq!(crowd.values("member").count(), 4000);
    for lookup in
        [Lookup::Groups(vec![crowd.anchor]), Lookup::GroupsHolding(vec!["CN=M1,DC=example,DC=test".into()])]
    {
        assert_same(&fetch(&settings, &ask, lookup).await, &[crowd]);
    }
}
