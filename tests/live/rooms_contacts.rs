//! A room and contacts of a real Active Directory domain, by the real binary, checked through the
//! interfaces of the cloud.

use dirsyncd::sandbox::{Sandbox, Settings};
use serde_json::Value;

use crate::support::connector::{Connector, TOKEN, user, writes};
use crate::support::samba::{self, Samba};

fn config(samba: &Samba, rooms: bool, contacts: bool) -> String {
    format!(
        "[[source]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"{}\"]\nca_file = \"{}\"\nbind = \"{}\"\n\
         password_file = \"password\"\nbases = [\"OU=Corp,{}\"]\nroom_filter = \"(sAMAccountName=room-*)\"\n\
         [rooms]\nsync = {rooms}\n[contacts]\nsync = {contacts}\n\
         [guard.contact_delete]\ncount = 0\n",
        samba.url(),
        samba.ca_file().display(),
        samba::ADMIN,
        samba::SUFFIX,
    )
}

async fn contacts(sandbox: &Sandbox) -> Vec<Value> {
    // Whoever comes first in the process installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let (base, org) = (sandbox.base_url(), sandbox.organization().id());
    let url = format!("{base}/v1/contacts/organizations/{org}/contacts/search?limit=1000");
    let answer = client.get(url).bearer_auth(TOKEN).send().await.expect("an answer");
    let page: Value = answer.json().await.expect("JSON");
    page["result"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_and_contacts_arrive_exactly() {
    let samba = Samba::start();
    let sandbox =
        Sandbox::start(Settings { token: TOKEN.into(), ..Settings::default() }).await.expect("a sandbox");
    let url = sandbox.base_url();
    samba.add_user("ann", "Ann Lee");
    let room = samba.add_user("room-curie", "Curie Room");
    // As Exchange makes the account behind a room mailbox.
    samba.disable(&room);
    samba.set(&room, "l", "Leeds");
    let contact = format!("CN=Bo Ray,OU=Sales,OU=Corp,{}", samba::SUFFIX);
    samba.modify(&format!(
        "dn: {contact}\nobjectClass: contact\ngivenName: Bo\nsn: Ray\ndisplayName: Bo Ray\ncompany: Acme\n\
         mail: bo@acme.test\ntelephoneNumber: +44 113 496 0001\n\n"
    ));
    let connector = Connector::new(&config(&samba, false, false), &url);
    connector.secret("password", samba::PASSWORD);
    let off = connector.json(0, &["sync"]);
    assert_eq!((&off["counts"]["create"], &off["counts"]["rooms"]), (&1.into(), &0.into()), "{off}");
    assert!(contacts(&sandbox).await.is_empty());

    connector.configure(&config(&samba, true, true), &url);
    let planned = connector.json(0, &["plan"]);
    assert_eq!(planned["counts"]["contact_create"], 1, "{}", planned["counts"]);
    let first = connector.json(0, &["sync"]);
    let counts = &first["counts"];
    assert_eq!(
        (&counts["create"], &counts["rooms"], &counts["contact_create"]),
        (&1.into(), &1.into(), &1.into()),
        "{counts}"
    );
    let seen = user(&url, "room-curie@example.test").await;
    assert_eq!((&seen["userType"], &seen["active"]), (&"room".into(), &true.into()), "{seen}");
    assert_eq!(seen["displayName"], "Curie Room");
    assert_eq!(seen["addresses"][0]["locality"], "Leeds");
    let [bo] = &contacts(&sandbox).await[..] else { panic!("one contact") };
    assert_eq!((&bo["displayName"], &bo["companyName"]), (&"Bo Ray".into(), &"Acme".into()), "{bo}");
    assert_eq!(bo["emails"][0]["value"], "bo@acme.test");
    assert_eq!(bo["phoneNumbers"][0]["value"], "+44 113 496 0001");

    // Nothing changed: nothing is written, however much is read.
    let quiet = writes(&url).await;
    connector.json(0, &["sync"]);
    connector.json(0, &["sync", "--full"]);
    assert_eq!(writes(&url).await, quiet);
    let status = connector.json(0, &["status"]);
    assert_eq!((&status["rooms"], &status["contacts"]), (&1.into(), &1.into()), "{status}");

    // Both are followed.
    samba.set(&room, "l", "York");
    samba.set(&contact, "telephoneNumber", "+44 113 496 0002");
    let changed = connector.json(0, &["sync"]);
    let counts = &changed["counts"];
    assert_eq!((&counts["update"], &counts["contact_update"]), (&1.into(), &1.into()), "{counts}");
    assert_eq!(user(&url, "room-curie@example.test").await["addresses"][0]["locality"], "York");
    let numbers = contacts(&sandbox).await[0]["phoneNumbers"].clone();
    assert_eq!(numbers, serde_json::json!([{ "value": "+44 113 496 0002", "type": "work" }]));

    // Switched off, nothing is touched.
    samba.delete(&room);
    samba.delete(&contact);
    connector.configure(&config(&samba, false, false), &url);
    let rest = connector.json(0, &["sync", "--full"]);
    let counts = &rest["counts"];
    assert_eq!((&counts["rooms_at_rest"], &counts["contacts_at_rest"]), (&1.into(), &1.into()), "{counts}");
    assert_eq!(user(&url, "room-curie@example.test").await["active"], true);

    // Switched on again: the room leaves, the contact waits for approval.
    connector.configure(&config(&samba, true, true), &url);
    let held = connector.json(7, &["sync"]);
    assert_eq!((&held["counts"]["deactivate"], &held["counts"]["held"]), (&1.into(), &1.into()), "{held}");
    assert_eq!(held["held"][0]["contact"], "Bo Ray", "{held}");
    assert_eq!(contacts(&sandbox).await.len(), 1);
    connector.json(0, &["approve", held["held_plan"].as_str().expect("a plan")]);
    let deleted = connector.json(0, &["sync"]);
    assert_eq!(deleted["counts"]["contact_delete"], 1, "{}", deleted["counts"]);
    assert!(contacts(&sandbox).await.is_empty());
    assert_eq!(user(&url, "room-curie@example.test").await["active"], false);
}
