//! Every attribute that is written, from its place in a real LDAP server to its place in the cloud:
//! created, changed, put right after a change by hand, cleared, filled, and left alone when no rule speaks of it. By the
//! real binary, seen through the interface that Webex has. And that nothing is forgotten: each field has its
//! line, and each attribute of the cloud's schema is a field or has a reason in the manual.

use std::collections::BTreeSet;
use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dirsyncd::model::Field;
use dirsyncd::sandbox::{Sandbox, Settings, attribute_names};
use serde_json::Value;

use crate::invented::Invented;
use crate::support::connector::{Connector, TOKEN, empty, user, writes};
use crate::support::slapd::PASSWORD;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const CISCO: &str = "urn:scim:schemas:extension:cisco:webexidentity:2.0:User";
const EMAIL: &str = "ann@example.test";
/// Where directories keep certificates. A number in the table stands for one of those made for the test.
const CERTIFICATES: &str = "userCertificate;binary";

/// One line of the table: field, attribute of the directory, expression, where it is in the
/// cloud, the value at first and the value then, each with what the cloud shows of it.
struct Line {
    field: &'static str,
    attribute: &'static str,
    expression: &'static str,
    /// `attribute`, `attribute/part`, or `list[mark=value]/part`; `+` stands for the enterprise
    /// extension, `!` for that of Webex.
    place: &'static str,
    first: (&'static str, &'static str),
    then: (&'static str, &'static str),
}

const fn line(
    field: &'static str,
    attribute: &'static str,
    expression: &'static str,
    place: &'static str,
    first: (&'static str, &'static str),
    then: (&'static str, &'static str),
) -> Line {
    Line { field, attribute, expression, place, first, then }
}

/// A value that arrives as it is.
const fn same(value: &'static str) -> (&'static str, &'static str) {
    (value, value)
}

#[rustfmt::skip]
const TABLE: &[Line] = &[
    line("given_name", "givenName", "givenName", "name/givenName", same("Ann"), same("Anna")),
    line("middle_name", "middleName", "middleName", "name/middleName", same("Q"), same("R")),
    line("family_name", "sn", r#"if(sn == "-", "", sn)"#, "name/familyName", same("Lee"), same("Lee-Müller")),
    line("honorific_prefix", "personalTitle", "personalTitle", "name/honorificPrefix", same("Dr."), same("Prof.")),
    line("honorific_suffix", "generationQualifier", "generationQualifier", "name/honorificSuffix", same("Jr."), same("III")),
    line("display_name", "displayName", "displayName", "displayName", same("Ann Lee"), same("Lee, Anna")),
    line("nick_name", "eduPersonNickname", "eduPersonNickname", "nickName", same("Annie"), same("A.")),
    line("pronouns", "pronouns", "pronouns", "!pronouns/value", same("she/her"), same("they/them")),
    line("title", "title", "title", "title", same("Pilot"), same("Captain")),
    line("department", "department", "department", "+department", same("Flight"), same("Ground")),
    line("division", "division", "division", "+division", same("North"), same("South")),
    line("organization", "company", "company", "+organization", same("Example"), same("Example Air")),
    line("employee_number", "employeeID", "employeeID", "+employeeNumber", same("0042"), same("0043")),
    line("cost_center", "departmentNumber", "departmentNumber", "+costCenter", same("CC1"), same("CC2")),
    line("preferred_language", "preferredLanguage", "language(preferredLanguage)", "preferredLanguage", ("de-CH,en", "de_CH"), ("en", "en_US")),
    line("locale", "msExchUserCulture", "language(msExchUserCulture)", "locale", ("fr-FR", "fr_FR"), ("de-AT", "de_AT")),
    line("timezone", "timeZone", "timeZone", "timezone", same("Europe/Berlin"), same("Europe/Zurich")),
    line("email_home", "homeMail", "homeMail", "emails[type=home]/value", same("ann@home.test"), same("lee@home.test")),
    line("email_alias_1", "proxy1", "proxy1", "emails[display=alias 1]/value", same("a1@example.test"), same("b1@example.test")),
    line("email_alias_2", "proxy2", "proxy2", "emails[display=alias 2]/value", same("a2@example.test"), same("b2@example.test")),
    line("email_alias_3", "proxy3", "proxy3", "emails[display=alias 3]/value", same("a3@example.test"), same("b3@example.test")),
    line("email_alias_4", "proxy4", "proxy4", "emails[display=alias 4]/value", same("a4@example.test"), same("b4@example.test")),
    line("phone_work", "telephoneNumber", "telephoneNumber", "phoneNumbers[type=work]/value", same("+49 30 1"), same("+49 30 2")),
    line("phone_mobile", "mobile", "mobile", "phoneNumbers[type=mobile]/value", same("+49 170 1"), same("+49 170 2")),
    line("phone_fax", "facsimileTelephoneNumber", "facsimileTelephoneNumber", "phoneNumbers[type=fax]/value", same("+49 30 91"), same("+49 30 92")),
    line("phone_alternate_1", "otherTelephone", "otherTelephone", "phoneNumbers[type=alternate1]/value", same("81"), same("82")),
    line("phone_alternate_2", "homePhone", "homePhone", "phoneNumbers[type=alternate2]/value", same("71"), same("72")),
    line("street", "street", "one_line(street)", "addresses[type=work]/streetAddress", same("Road 1"), same("Road 2")),
    line("city", "l", "l", "addresses[type=work]/locality", same("Berlin"), same("Bern")),
    line("region", "st", "st", "addresses[type=work]/region", same("BE"), same("ZH")),
    line("postal_code", "postalCode", "postalCode", "addresses[type=work]/postalCode", same("10115"), same("3000")),
    line("country", "c", "upper(c)", "addresses[type=work]/country", ("de", "DE"), ("ch", "CH")),
    line("home_street", "homeStreet", "homeStreet", "addresses[type=home]/streetAddress", same("Lane 1"), same("Lane 2")),
    line("home_city", "homeCity", "homeCity", "addresses[type=home]/locality", same("Potsdam"), same("Thun")),
    line("home_region", "homeState", "homeState", "addresses[type=home]/region", same("BB"), same("BE")),
    line("home_postal_code", "homeZip", "homeZip", "addresses[type=home]/postalCode", same("14467"), same("3600")),
    line("home_country", "homeCountry", "homeCountry", "addresses[type=home]/country", same("DE"), same("CH")),
    line("profile_url", "wWWHomePage", "wWWHomePage", "profileUrl", same("https://example.test/ann"), same("https://example.test/anna")),
    line("photo_url", "photoUrl", "photoUrl", "photos[type=photo]/value", same("https://example.test/1.jpg"), same("https://example.test/2.jpg")),
    line("thumbnail_url", "thumbUrl", "thumbUrl", "photos[type=thumbnail]/value", same("https://example.test/s1.jpg"), same("https://example.test/s2.jpg")),
    line("sip_address", "ipPhone", "ipPhone", "!sipAddresses[type=enterprise]/value", same("ann@sip.example.test"), same("anna@sip.example.test")),
    line("jabber_team_messaging", "jabber", "lower(jabber)", "!isTeamsOnJabberEnabled", ("TRUE", "true"), ("FALSE", "false")),
    line("jabber_uc_calling", "jabberCall", "lower(jabberCall)", "!isUCCallOnJabberEnabled", ("FALSE", "false"), ("TRUE", "true")),
    line("extension_attribute_1", "extensionAttribute1", "extensionAttribute1", "!extensionAttribute1/0", same("a1"), same("b1")),
    line("extension_attribute_2", "extensionAttribute2", "extensionAttribute2", "!extensionAttribute2/0", same("a2"), same("b2")),
    line("extension_attribute_3", "extensionAttribute3", "extensionAttribute3", "!extensionAttribute3/0", same("a3"), same("b3")),
    line("extension_attribute_4", "extensionAttribute4", "extensionAttribute4", "!extensionAttribute4/0", same("a4"), same("b4")),
    line("extension_attribute_5", "extensionAttribute5", "extensionAttribute5", "!extensionAttribute5/0", same("a5"), same("b5")),
    line("extension_attribute_6", "extensionAttribute6", "extensionAttribute6", "!extensionAttribute6/0", same("a6"), same("b6")),
    line("extension_attribute_7", "extensionAttribute7", "extensionAttribute7", "!extensionAttribute7/0", same("a7"), same("b7")),
    line("extension_attribute_8", "extensionAttribute8", "extensionAttribute8", "!extensionAttribute8/0", same("a8"), same("b8")),
    line("extension_attribute_9", "extensionAttribute9", "extensionAttribute9", "!extensionAttribute9/0", same("a9"), same("b9")),
    line("extension_attribute_10", "extensionAttribute10", "extensionAttribute10", "!extensionAttribute10/0", same("a10"), same("b10")),
    line("extension_attribute_11", "extensionAttribute11", "extensionAttribute11", "!extensionAttribute11/0", same("a11"), same("b11")),
    line("extension_attribute_12", "extensionAttribute12", "extensionAttribute12", "!extensionAttribute12/0", same("a12"), same("b12")),
    line("extension_attribute_13", "extensionAttribute13", "extensionAttribute13", "!extensionAttribute13/0", same("a13"), same("b13")),
    line("extension_attribute_14", "extensionAttribute14", "extensionAttribute14", "!extensionAttribute14/0", same("a14"), same("b14")),
    line("extension_attribute_15", "extensionAttribute15", "extensionAttribute15", "!extensionAttribute15/0", same("a15"), same("b15")),
    line("manager", "manager", "manager", "+manager/value", ("uid=boss1,ou=people,dc=example,dc=com", "boss1"), ("uid=boss2,ou=people,dc=example,dc=com", "boss2")),
    line("other_street", "otherStreet", "otherStreet", "addresses[type=other]/streetAddress", same("Quay 1"), same("Quay 2")),
    line("other_city", "otherCity", "otherCity", "addresses[type=other]/locality", same("Kiel"), same("Basel")),
    line("other_region", "otherState", "otherState", "addresses[type=other]/region", same("SH"), same("BS")),
    line("other_postal_code", "otherZip", "otherZip", "addresses[type=other]/postalCode", same("24103"), same("4001")),
    line("other_country", "otherCountry", "country(otherCountry)", "addresses[type=other]/country", ("Germany", "DE"), ("756", "CH")),
    line("resizable_url", "drawingUrl", "drawingUrl", "photos[type=resizable]/value", same("https://example.test/1.svg"), same("https://example.test/2.svg")),
    line("im_xmpp", "xmppAddress", "xmppAddress", "ims[type=xmpp]/value", same("ann@chat.example.test"), same("anna@chat.example.test")),
    line("im_skype", "skypeName", "skypeName", "ims[type=skype]/value", same("ann.lee"), same("anna.lee")),
    line("im_qq", "qqNumber", "qqNumber", "ims[type=qq]/value", same("1001"), same("1002")),
    line("certificate_1", CERTIFICATES, "userCertificate", "x509Certificates[display=certificate 1]/value", same("0"), same("3")),
    line("certificate_2", CERTIFICATES, r#"pick(userCertificate, "", 2)"#, "x509Certificates[display=certificate 2]/value", same("1"), same("4")),
    line("certificate_3", CERTIFICATES, r#"pick(userCertificate, "", 3)"#, "x509Certificates[display=certificate 3]/value", same("2"), same("5")),
    line("external_attribute_1", "custom1", "custom1", "!externalAttribute1[source=dirsyncd]/value", same("x1"), same("y1")),
    line("external_attribute_2", "custom2", "custom2", "!externalAttribute2[source=dirsyncd]/value", same("x2"), same("y2")),
    line("external_attribute_3", "custom3", "custom3", "!externalAttribute3[source=dirsyncd]/value", same("x3"), same("y3")),
    line("external_attribute_4", "custom4", "custom4", "!externalAttribute4[source=dirsyncd]/value", same("x4"), same("y4")),
    line("external_attribute_5", "custom5", "custom5", "!externalAttribute5[source=dirsyncd]/value", same("x5"), same("y5")),
    line("external_attribute_6", "custom6", "custom6", "!externalAttribute6[source=dirsyncd]/value", same("x6"), same("y6")),
    line("external_attribute_7", "custom7", "custom7", "!externalAttribute7[source=dirsyncd]/value", same("x7"), same("y7")),
    line("external_attribute_8", "custom8", "custom8", "!externalAttribute8[source=dirsyncd]/value", same("x8"), same("y8")),
    line("external_attribute_9", "custom9", "custom9", "!externalAttribute9[source=dirsyncd]/value", same("x9"), same("y9")),
    line("external_attribute_10", "custom10", "custom10", "!externalAttribute10[source=dirsyncd]/value", same("x10"), same("y10")),
    line("external_attribute_11", "custom11", "custom11", "!externalAttribute11[source=dirsyncd]/value", same("x11"), same("y11")),
    line("external_attribute_12", "custom12", "custom12", "!externalAttribute12[source=dirsyncd]/value", same("x12"), same("y12")),
    line("external_attribute_13", "custom13", "custom13", "!externalAttribute13[source=dirsyncd]/value", same("x13"), same("y13")),
    line("external_attribute_14", "custom14", "custom14", "!externalAttribute14[source=dirsyncd]/value", same("x14"), same("y14")),
    line("external_attribute_15", "custom15", "custom15", "!externalAttribute15[source=dirsyncd]/value", same("x15"), same("y15")),
];

/// What a user of the cloud holds at a place; `None` when nothing.
fn at(user: &Value, place: &str) -> Option<String> {
    let (object, place) = match (place.strip_prefix('+'), place.strip_prefix('!')) {
        (Some(rest), _) => (&user[ENTERPRISE], rest),
        (_, Some(rest)) => (&user[CISCO], rest),
        _ => (user, place),
    };
    let (head, part) = place.split_once("]/").or_else(|| place.split_once('/')).unwrap_or((place, ""));
    let value = match head.split_once('[') {
        Some((list, mark)) => {
            let (key, wanted) = mark.split_once('=').expect("a mark");
            object[list].as_array()?.iter().find(|element| element[key] == wanted)?
        }
        None => &object[head],
    };
    let value = match part {
        "" => value,
        "0" => &value[0],
        part => &value[part],
    };
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Six certificates in DER: three and three, each three in the order of their bytes.
fn certificates(directory: &Invented) -> Vec<Vec<u8>> {
    let made = (0..6).map(|number| {
        let (file, _) = directory.slapd.client_certificate(&format!("person{number}"));
        let pem = std::fs::read_to_string(file).expect("a certificate");
        let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        STANDARD.decode(lines).expect("base64")
    });
    let mut all: Vec<Vec<u8>> = made.collect();
    all[..3].sort_by_key(|der| STANDARD.encode(der));
    all[3..].sort_by_key(|der| STANDARD.encode(der));
    all
}

/// The attributes of the directory, each once.
fn attributes() -> Vec<&'static str> {
    let all: BTreeSet<&str> = TABLE.iter().map(|line| line.attribute).collect();
    all.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attribute_goes_from_the_directory_to_its_place_in_the_cloud() {
    let named: BTreeSet<&str> = TABLE.iter().map(|line| line.field).collect();
    let all: BTreeSet<&str> = Field::ALL.iter().map(|field| field.name()).collect();
    // Settings have no place in the account, and a test of their own: `calling_behavior.rs`.
    let besides: BTreeSet<&str> = all.difference(&named).copied().collect();
    assert_eq!(besides, Field::SETTINGS.map(Field::name).into(), "the table has a line for each field");
    assert!(named.is_subset(&all));

    let directory = Invented::start(&attributes());
    let certificates = certificates(&directory);
    let sandbox =
        Sandbox::start(Settings { token: TOKEN.into(), ..Settings::default() }).await.expect("a sandbox");
    let url = sandbox.base_url();
    let mut rules = format!("{}[people.mapping]\ndefaults = false\n", directory.config());
    let silent = format!("{rules}given_name = 'cn'\n");
    for line in TABLE {
        writeln!(rules, "{} = '{}'", line.field, line.expression).expect("a text grows");
    }
    let connector = Connector::new(&rules, &url);
    connector.secret("password", PASSWORD);

    let values = |value: &dyn Fn(&Line) -> Option<&'static str>| {
        let mut values = Vec::new();
        for line in TABLE {
            // Every person of a directory has a family name.
            let empty = (line.attribute == "sn").then_some("-");
            let Some(value) = value(line).or(empty) else { continue };
            let bytes = match line.attribute {
                CERTIFICATES => certificates[value.parse::<usize>().expect("a number")].clone(),
                _ => value.as_bytes().to_vec(),
            };
            values.push((line.attribute, bytes));
        }
        values
    };
    directory.add("boss1", &[]);
    directory.add("boss2", &[]);
    let sync = |value: &dyn Fn(&Line) -> Option<&'static str>| {
        directory.set("ann", &attributes(), &values(value));
        connector.json(0, &["sync", "--full"])
    };
    let holds = async |what: &str, wanted: &dyn Fn(&Line) -> Option<&'static str>| {
        let held = user(&url, EMAIL).await;
        for line in TABLE {
            let wanted = match (line.field, line.attribute, wanted(line)) {
                (_, _, None) => None,
                ("manager", _, Some(name)) => {
                    let boss = user(&url, &format!("{name}@example.test")).await;
                    Some(boss["id"].as_str().expect("an id").to_owned())
                }
                (_, CERTIFICATES, Some(number)) => {
                    Some(STANDARD.encode(&certificates[number.parse::<usize>().expect("a number")]))
                }
                (_, _, Some(text)) => Some(text.to_owned()),
            };
            assert_eq!(at(&held, line.place), wanted, "{what}: {} in {held}", line.field);
        }
    };
    // Whatever was done, doing it again writes nothing: what is read back is what was written.
    let again = async || {
        let before = writes(&url).await;
        connector.json(0, &["sync", "--full"]);
        assert_eq!(writes(&url).await, before);
    };

    directory.add("ann", &values(&|line| Some(line.first.0)));
    let report = connector.json(0, &["sync"]);
    assert_eq!(report["counts"]["create"], 3, "{report}");
    holds("created", &|line| Some(line.first.1)).await;
    again().await;

    let report = sync(&|line| Some(line.then.0));
    assert_eq!(report["counts"]["update"], 1, "{report}");
    holds("changed", &|line| Some(line.then.1)).await;
    again().await;

    // Somebody emptied the account: the next look at the whole cloud sees it.
    empty(&url, EMAIL).await;
    holds("emptied", &|_| None).await;
    let report = sync(&|line| Some(line.then.0));
    assert_eq!(report["counts"]["update"], 1, "{report}");
    holds("put right", &|line| Some(line.then.1)).await;

    let report = sync(&|_| None);
    assert_eq!(report["counts"]["update"], 1, "{report}");
    holds("cleared", &|_| None).await;
    again().await;

    // Onto an account that has nothing, attribute by attribute is put in.
    let report = sync(&|line| Some(line.first.0));
    assert_eq!(report["counts"]["update"], 1, "{report}");
    holds("filled", &|line| Some(line.first.1)).await;

    // Rules that do not speak of them leave all others alone, whatever the directory says.
    connector.configure(&silent, &url);
    let report = sync(&|line| Some(line.then.0));
    assert_eq!(report["counts"]["update"], 3, "{report}");
    holds("left alone", &|line| Some(if line.field == "given_name" { "ann" } else { line.first.1 })).await;
    sync(&|_| None);
    holds("left alone", &|line| Some(if line.field == "given_name" { "ann" } else { line.first.1 })).await;

    sandbox.stop().await;
}

/// The names of attributes in the first column of a table of the manual: `` `emails`, type `room` `` is
/// `emails[room]`, and `` `x1`, … `x15` `` are fifteen.
fn excused() -> BTreeSet<String> {
    let manual = include_str!("../../docs/MAPPING.md");
    let (_, rest) = manual.split_once("## What is not mapped, and why").expect("the section");
    let (section, _) = rest.split_once("\n## ").expect("another section");
    let mut found = BTreeSet::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let names = row.split('|').nth(1).expect("a first column");
        let words: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
        if names.contains(", type ") {
            found.extend(words[1..].iter().map(|kind| format!("{}[{kind}]", words[0])));
        } else if names.contains('…') {
            let family = words[0].trim_end_matches(char::is_numeric);
            found.extend((1..=15).map(|number| format!("{family}{number}")));
        } else {
            found.extend(words.into_iter().map(str::to_owned));
        }
    }
    found
}

#[test]
fn each_attribute_of_the_cloud_is_a_field_or_has_a_reason_in_the_manual() {
    let excused = excused();
    let mut written = BTreeSet::new();
    for line in TABLE {
        let place = line.place.trim_start_matches(['+', '!']);
        let (head, part) = place.split_once("]/").or_else(|| place.split_once('/')).unwrap_or((place, ""));
        let name = match head.split_once('[') {
            Some(("emails", mark)) if mark.starts_with("display") => "emails[other]".to_owned(),
            Some(("addresses", mark)) => format!("addresses[{}].{part}", mark.trim_start_matches("type=")),
            Some((list @ ("emails" | "phoneNumbers" | "photos" | "sipAddresses"), mark)) => {
                format!("{list}[{}]", mark.trim_start_matches("type="))
            }
            Some((list, _)) => list.to_owned(),
            None if matches!(head, "name" | "pronouns") => format!("{head}.{part}"),
            None => head.to_owned(),
        };
        written.insert(name);
    }
    let both: Vec<&String> = written.intersection(&excused).collect();
    assert_eq!(both, [""; 0], "written, and the manual says that it is not");
    // What the cloud makes of what it is given.
    let made = |name: &str| name.ends_with(".formatted") || name.ends_with(".primary");
    let known = |name: &String| written.contains(name) || excused.contains(name) || made(name);
    let forgotten: Vec<String> = attribute_names().into_iter().filter(|name| !known(name)).collect();
    assert_eq!(forgotten, [""; 0], "neither a field nor excused in docs/MAPPING.md");
}

#[tokio::test(flavor = "multi_thread")]
async fn managers_go_by_their_account_whoever_comes_first() {
    let sandbox =
        Sandbox::start(Settings { token: TOKEN.into(), ..Settings::default() }).await.expect("a sandbox");
    let url = sandbox.base_url();
    let config = "[[source]]\nname = \"file\"\nkind = \"ldif\"\npath = \"people.ldif\"\n\
                  [people.scope]\nexclude_bases = [\"OU=Out,DC=example,DC=test\"]\n";
    let connector = Connector::new(config, &url);
    let person = |name: &str, number: u8, ou: &str, manager: Option<&str>| {
        use base64::Engine as _;
        let guid = base64::engine::general_purpose::STANDARD.encode([number; 16]);
        let manager = manager.map_or(String::new(), |dn| format!("manager: {dn}\n"));
        format!(
            "dn: CN={name},{ou}DC=example,DC=test\nobjectClass: user\nobjectGUID:: {guid}\ncn: {name}\n\
             mail: {name}@example.test\n{manager}\n"
        )
    };
    let file = |entries: &[String]| connector.secret("people.ldif", &entries.concat());
    let manager = async |name: &str| -> Option<String> {
        at(&user(&url, &format!("{name}@example.test")).await, "+manager/value")
    };
    let id = async |name: &str| {
        user(&url, &format!("{name}@example.test")).await["id"].as_str().map(str::to_owned)
    };

    // A circle; a manager out of scope; one whom nobody knows.
    let ann = person("ann", 1, "", Some("CN=bob,DC=example,DC=test"));
    let bob = person("bob", 2, "", Some("cn=ann, dc=example, dc=test"));
    let cyd = person("cyd", 3, "", Some("CN=out,OU=Out,DC=example,DC=test"));
    let dan = person("dan", 4, "", Some("CN=nobody,DC=example,DC=test"));
    let out = person("out", 5, "OU=Out,", None);
    file(&[ann.clone(), bob.clone(), cyd.clone(), dan.clone(), out.clone()]);
    let report = connector.json(0, &["sync"]);
    assert_eq!(report["counts"]["create"], 4, "{report}");
    assert_eq!(report["counts"]["manager_missing"], 2, "{report}");
    assert_eq!((manager("ann").await, manager("bob").await), (id("bob").await, id("ann").await));
    assert_eq!((manager("cyd").await, manager("dan").await), (None, None));
    let quiet = writes(&url).await;
    connector.json(0, &["sync", "--full"]);
    assert_eq!(writes(&url).await, quiet);

    // The manager comes into the scope: those who report are updated, and only those.
    let inside = person("out", 5, "", None);
    let cyd = person("cyd", 3, "", Some("CN=out,DC=example,DC=test"));
    file(&[ann.clone(), bob.clone(), cyd.clone(), dan.clone(), inside.clone()]);
    let report = connector.json(0, &["sync"]);
    assert_eq!(
        (&report["counts"]["create"], &report["counts"]["update"]),
        (&1.into(), &1.into()),
        "{report}"
    );
    assert_eq!(manager("cyd").await, id("out").await);

    // Cleared in the directory, cleared in the cloud.
    let ann = person("ann", 1, "", None);
    file(&[ann, bob, cyd, dan, inside]);
    connector.json(0, &["sync"]);
    assert_eq!((manager("ann").await, manager("bob").await), (None, id("ann").await));
    sandbox.stop().await;
}
