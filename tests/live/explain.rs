//! `explain` and `lint` against real directories: people are found by search, and nested groups
//! are climbed by asking who holds whom.

use dirsyncd::sandbox::{self, Sandbox};
use serde_json::Value;

use crate::support::connector::{Connector, TOKEN, writes};
use crate::support::samba::{self, Samba};
use crate::support::slapd::{self, Slapd, group_ldif, people_ldif};

async fn sandbox() -> Sandbox {
    Sandbox::start(sandbox::Settings { token: TOKEN.into(), ..sandbox::Settings::default() })
        .await
        .expect("a sandbox")
}

/// The entitlement rule of the story, and the kinds of what a pass would do.
fn told(story: &Value) -> (bool, &str, Vec<&str>) {
    let rule = &story["licenses"][0];
    let actions = story["pass"]["actions"].as_array().expect("a list").iter();
    let kinds = actions.map(|action| action["kind"].as_str().expect("a word")).collect();
    (rule["applies"] == true, rule["reason"].as_str().expect("a text"), kinds)
}

const RULE: &str =
    "[[entitlement]]\nname = \"staff\"\ngroups = [\"Staff\"]\nlicenses = [\"message.messaging\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_a_domain_is_explained_by_every_name() {
    let samba = Samba::start();
    let sandbox = sandbox().await;
    let url = sandbox.base_url();
    let ann = samba.add_user("ann", "Ann Lee");
    let bob = samba.add_user("bob", "Bob Ray");
    let inner = samba.add_group("Inner", &[&ann]);
    let middle = samba.add_group("Middle", &[&inner]);
    samba.add_group("Staff", &[&middle]);
    let config = format!(
        "[[source]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"{}\"]\nca_file = \"{}\"\nbind = \"{}\"\n\
         password_file = \"password\"\nbases = [\"OU=Corp,{}\"]\n{RULE}",
        samba.url(),
        samba.ca_file().display(),
        samba::ADMIN,
        samba::SUFFIX,
    );
    let connector = Connector::new(&config, &url);
    connector.secret("password", samba::PASSWORD);

    let by_dn = connector.json(0, &["explain", &ann]);
    let email = by_dn["mapping"][0]["value"].as_str().expect("an address").to_owned();
    let anchor = by_dn["record"]["anchor"].as_str().expect("an anchor").to_owned();
    let through = "member of \"Staff\" through \"Inner\" and \"Middle\"";
    for name in [ann.as_str(), &email, &email.to_uppercase(), &anchor] {
        let story = connector.json(0, &["explain", name]);
        assert_eq!(told(&story), (true, through, vec!["create", "license_add"]), "{name}: {story}");
        assert_eq!(story["record"]["groups"][0]["through"], serde_json::json!(["Inner", "Middle"]));
        assert_eq!(story["record"]["dn"], *ann);
    }
    let story = connector.json(0, &["explain", &bob]);
    assert_eq!(told(&story), (false, "not a member of \"Staff\"", vec!["create"]));

    connector.json(0, &["sync"]);
    let before = writes(&url).await;
    let story = connector.json(0, &["explain", &email]);
    assert_eq!(told(&story), (true, through, vec![]), "{story}");
    let cloud_id = story["account"]["cloud_id"].as_str().expect("an id");
    assert_eq!(connector.json(0, &["explain", cloud_id])["record"]["anchor"], *anchor);
    // Only the middle of the chain changes: neither her record nor her own group does.
    samba.remove_member(&format!("CN=Staff,{}", middle.split_once(',').expect("a DN").1), &middle);
    let story = connector.json(0, &["explain", &email]);
    assert_eq!(told(&story), (false, "not a member of \"Staff\"", vec!["license_remove"]), "{story}");
    samba.delete(&ann);
    let story = connector.json(0, &["explain", &email]);
    assert_eq!(story["record"], Value::Null);
    assert!(story["answer"].as_str().expect("a text").contains("is no longer in the directory"), "{story}");
    let nobody = connector.json(2, &["explain", "nobody@example.test"]);
    assert!(nobody["searched"][0]["scope"].as_str().expect("a text").contains("OU=Corp"), "{nobody}");
    assert_eq!(writes(&url).await, before);
    let lint = connector.json(6, &["lint"]);
    let codes: Vec<&str> =
        lint["findings"].as_array().expect("a list").iter().filter_map(|f| f["code"].as_str()).collect();
    assert!(codes.contains(&"group_empty") && codes.contains(&"no_license"), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_a_directory_is_explained_with_whoever_has_the_same_address() {
    let inner = format!("uid=u1,ou=people,{}", slapd::SUFFIX);
    let middle = format!("cn=Inner,ou=groups,{}", slapd::SUFFIX);
    let ldif =
        people_ldif(0, 40) + &group_ldif("Inner", [inner.as_str()]) + &group_ldif("Staff", [middle.as_str()]);
    let slapd: Slapd = slapd::Options::default().ldif(&ldif).start();
    let sandbox = sandbox().await;
    let config = format!(
        "[[source]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"{url}\"]\nca_file = \"{ca}\"\nbind = \"{bind}\"\n\
         password_file = \"password\"\nbases = [\"ou=people,{suffix}\"]\ngroup_bases = [\"ou=groups,{suffix}\"]\n\
         [people]\ndialect = \"inet_org_person\"\n{RULE}",
        url = slapd.tls_url(),
        ca = slapd.ca_file().display(),
        bind = slapd::READER,
        suffix = slapd::SUFFIX,
    );
    let connector = Connector::new(&config, &sandbox.base_url());
    connector.secret("password", slapd::PASSWORD);
    let story = connector.json(0, &["explain", &inner]);
    assert_eq!(
        told(&story),
        (true, "member of \"Staff\" through \"Inner\"", vec!["create", "license_add"]),
        "{story}"
    );
    connector.json(0, &["sync"]);
    let email = story["mapping"][0]["value"].as_str().expect("an address").to_owned();
    slapd.modify(&format!(
        "dn: uid=u2,ou=people,{}\nchangetype: modify\nreplace: mail\nmail: {email}\n-\n\n",
        slapd::SUFFIX
    ));
    let several = connector.json(2, &["explain", &email]);
    assert_eq!(several["candidates"].as_array().map(Vec::len), Some(2), "{several}");
    let story = connector.json(0, &["explain", &format!("uid=u2,ou=people,{}", slapd::SUFFIX)]);
    assert_eq!(story["pass"]["withheld"][0]["code"], "duplicate_email", "{story}");
    assert!(story["answer"].as_str().expect("a text").contains(&inner), "{story}");
    let lint = connector.json(6, &["lint"]);
    let collision = &lint["findings"][0];
    assert_eq!(
        (collision["code"].as_str(), collision["count"].as_u64()),
        (Some("duplicate_email"), Some(1)),
        "{lint}"
    );
}
