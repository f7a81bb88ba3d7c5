//! Every attribute that is written, from its place in the directory to its place in the cloud:
//! created, changed, put right after a change by hand, cleared. By the real binary, seen through the interface that
//! Webex has.

use std::collections::BTreeSet;
use std::fmt::Write;

use dirsyncd::model::Field;
use dirsyncd::sandbox::{Sandbox, Settings};
use serde_json::Value;

use crate::support::connector::{Connector, TOKEN, empty, user, writes};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const CISCO: &str = "urn:scim:schemas:extension:cisco:webexidentity:2.0:User";
const EMAIL: &str = "ann@example.test";

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
    line("family_name", "sn", "sn", "name/familyName", same("Lee"), same("Lee-Müller")),
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
    line("street", "streetAddress", "one_line(streetAddress)", "addresses[type=work]/streetAddress", same("Road 1"), same("Road 2")),
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

fn entry(value: impl Fn(&Line) -> Option<&'static str>) -> String {
    let mut entry = format!(
        "dn: CN=ann,DC=example,DC=test\nobjectClass: user\nobjectGUID:: AQEBAQEBAQEBAQEBAQEBAQ==\ncn: ann\nmail: {EMAIL}\n"
    );
    for line in TABLE {
        if let Some(value) = value(line) {
            use base64::Engine as _;
            let encoded = base64::engine::general_purpose::STANDARD.encode(value);
            writeln!(entry, "{}:: {encoded}", line.attribute).expect("a text grows");
        }
    }
    entry + "\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attribute_goes_from_the_directory_to_its_place_in_the_cloud() {
    let named: BTreeSet<&str> = TABLE.iter().map(|line| line.field).collect();
    let all: BTreeSet<&str> = Field::ALL.iter().map(|field| field.name()).collect();
    // Managers are people, and have a test of their own.
    let besides: Vec<_> = all.difference(&named).collect();
    assert_eq!(besides, [&"manager"], "the table has a line for each field");
    assert!(named.is_subset(&all));

    let sandbox =
        Sandbox::start(Settings { token: TOKEN.into(), ..Settings::default() }).await.expect("a sandbox");
    let url = sandbox.base_url();
    let mut config = "[[source]]\nname = \"file\"\nkind = \"ldif\"\npath = \"people.ldif\"\n[people.mapping]\ndefaults = false\n"
        .to_owned();
    for line in TABLE {
        writeln!(config, "{} = '{}'", line.field, line.expression).expect("a text grows");
    }
    let connector = Connector::new(&config, &url);
    let sync = |value: &dyn Fn(&Line) -> Option<&'static str>| {
        connector.secret("people.ldif", &entry(value));
        connector.json(0, &["sync", "--full"])
    };
    let holds = async |what: &str, wanted: &dyn Fn(&Line) -> Option<&'static str>| {
        let user = user(&url, EMAIL).await;
        for line in TABLE {
            assert_eq!(at(&user, line.place).as_deref(), wanted(line), "{what}: {} in {user}", line.field);
        }
    };
    // Whatever was done, doing it again writes nothing: what is read back is what was written.
    let again = async || {
        let before = writes(&url).await;
        connector.json(0, &["sync", "--full"]);
        assert_eq!(writes(&url).await, before);
    };

    let report = sync(&|line| Some(line.first.0));
    assert_eq!(report["counts"]["create"], 1, "{report}");
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

    sandbox.stop().await;
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
