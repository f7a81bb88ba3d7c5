//! The main job: from a real Active Directory domain into the organization, by the real binary,
//! checked through the interfaces of the cloud.

use std::collections::BTreeSet;

use dirsyncd::sandbox::{Sandbox, Settings};

use crate::support::connector::{Connector, TOKEN, cloud_contents, writes};
use crate::support::samba::{self, Samba};

const MESSAGING: &str = "Advanced Messaging";

fn config(samba: &Samba) -> String {
    format!(
        "[[source]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"{}\"]\nca_file = \"{}\"\nbind = \"{}\"\n\
         password_file = \"password\"\nbases = [\"OU=Corp,{}\"]\n\
         [people.scope]\nexclude_bases = [\"OU=Leavers,OU=Corp,{}\"]\n\
         [[entitlement]]\nname = \"staff\"\ngroups = [\"Staff\"]\nlicenses = [\"message.messaging\"]\n\
         [guard.deactivate]\ncount = 100\npercent = 100\nfloor = 100\n",
        samba.url(),
        samba.ca_file().display(),
        samba::ADMIN,
        samba::SUFFIX,
        samba::SUFFIX,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_in_the_domain_arrive_exactly() {
    let samba = Samba::start();
    let sandbox =
        Sandbox::start(Settings { token: TOKEN.into(), ..Settings::default() }).await.expect("a sandbox");
    let url = sandbox.base_url();
    let ann = samba.add_user("ann", "Ann Lee");
    let bob = samba.add_user("bob", "Bob Ray");
    let cyd = samba.add_user("cyd", "Cyd Fox");
    let dee = samba.add_user("dee", "Dee Oak");
    let inner = samba.add_group("Inner", &[&cyd]);
    let staff = samba.add_group("Staff", &[&ann, &bob]);
    let connector = Connector::new(&config(&samba), &url);
    connector.secret("password", samba::PASSWORD);
    let mail = |login: &str| format!("{login}@example.test");
    let licensed = |names: &[&str]| names.iter().map(|name| mail(name)).collect::<BTreeSet<_>>();
    let holders = async || -> BTreeSet<String> {
        let everybody = cloud_contents(&url).await;
        everybody
            .into_iter()
            .filter(|(_, seen)| seen.licenses.contains(MESSAGING))
            .map(|(name, _)| name)
            .collect()
    };

    let sync = |code| connector.json(code, &["sync"]);
    let first = sync(0);
    assert_eq!(first["counts"]["create"], 4, "{first}");
    let before = cloud_contents(&url).await;
    assert_eq!(before.keys().cloned().collect::<BTreeSet<_>>(), licensed(&["ann", "bob", "cyd", "dee"]));
    assert!(before.values().all(|seen| seen.active && seen.external_id.len() == 36));
    assert_eq!(holders().await, licensed(&["ann", "bob"]));

    // Nothing changed: nothing is written.
    let quiet = writes(&url).await;
    sync(0);
    assert_eq!(writes(&url).await, quiet);
    connector.json(0, &["sync", "--full"]);
    assert_eq!(writes(&url).await, quiet);

    // A title.
    samba.set(&ann, "title", "Staff Engineer");
    let title = sync(0);
    assert_eq!(title["counts"]["update"], 1, "{title}");
    assert_eq!(cloud_contents(&url).await[&mail("ann")].title, "Staff Engineer");

    // A rename, with a new address: the same account.
    samba.rename(&bob, "CN=Bob Roe", None);
    let bob = bob.replace("CN=Bob Ray", "CN=Bob Roe");
    samba.set(&bob, "displayName", "Bob Roe");
    samba.set(&bob, "mail", &mail("bob.roe"));
    sync(0);
    let now = cloud_contents(&url).await;
    assert_eq!(now[&mail("bob.roe")].external_id, before[&mail("bob")].external_id);
    assert_eq!(now[&mail("bob.roe")].display_name, "Bob Roe");
    assert!(!now.contains_key(&mail("bob")));
    assert_eq!(holders().await, licensed(&["ann", "bob.roe"]));

    // A move between units is no leaver and no newcomer.
    let other = samba.add_ou("Engineering", &format!("OU=Corp,{}", samba::SUFFIX));
    samba.rename(&ann, "CN=Ann Lee", Some(&other));
    let ann = format!("CN=Ann Lee,{other}");
    let moved = sync(0);
    assert_eq!(
        (&moved["counts"]["create"], &moved["counts"]["deactivate"]),
        (&0.into(), &0.into()),
        "{moved}"
    );
    assert_eq!(holders().await, licensed(&["ann", "bob.roe"]));

    // Into the group, nested, and out again.
    samba.add_member(&staff, &dee);
    sync(0);
    assert_eq!(holders().await, licensed(&["ann", "bob.roe", "dee"]));
    samba.add_member(&staff, &inner);
    sync(0);
    assert_eq!(holders().await, licensed(&["ann", "bob.roe", "cyd", "dee"]));
    samba.remove_member(&inner, &cyd);
    samba.remove_member(&staff, &dee);
    sync(0);
    assert_eq!(holders().await, licensed(&["ann", "bob.roe"]));

    // Disabled: deactivated, the seat is free again. Enabled: back.
    samba.disable(&ann);
    sync(0);
    assert!(!cloud_contents(&url).await[&mail("ann")].active);
    assert_eq!(holders().await, licensed(&["bob.roe"]));
    samba.enable(&ann);
    sync(0);
    assert!(cloud_contents(&url).await[&mail("ann")].active);
    assert_eq!(holders().await, licensed(&["ann", "bob.roe"]));

    // Out of scope by a move, and back.
    let leavers = format!("OU=Leavers,OU=Corp,{}", samba::SUFFIX);
    samba.rename(&dee, "CN=Dee Oak", Some(&leavers));
    sync(0);
    assert!(!cloud_contents(&url).await[&mail("dee")].active);
    samba.rename(&format!("CN=Dee Oak,{leavers}"), "CN=Dee Oak", Some(&other));
    sync(0);
    assert!(cloud_contents(&url).await[&mail("dee")].active);

    // Deleted.
    samba.delete(&bob);
    sync(0);
    let end = cloud_contents(&url).await;
    assert!(!end[&mail("bob.roe")].active);
    assert_eq!(holders().await, licensed(&["ann"]));
    assert_eq!(end.len(), 4);
    let quiet = writes(&url).await;
    connector.json(0, &["sync", "--full"]);
    assert_eq!(writes(&url).await, quiet);
    sandbox.stop().await;
}
