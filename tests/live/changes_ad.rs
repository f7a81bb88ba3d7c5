//! What changed in a real Samba Active Directory domain, by each method that it offers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dirsyncd::model::{Ask, Changes, Cursor, Hint, Hinted, Method, Redacted, SourceId, Watched};
use dirsyncd::source::Source;
use dirsyncd::source::ldap::{LdapSource, Settings};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::reading::{ask, find, read_ldap, samba_settings};
use crate::support::samba::{self, SUFFIX, Samba};

/// A source with a cursor.
struct Told {
    source: LdapSource,
    settings: Settings,
    ask: Ask,
    cursor: Cursor,
    advice: Option<String>,
}

impl Told {
    async fn begin(mut settings: Settings, method: Option<Method>) -> Self {
        settings.changes = method;
        let ask = ask(&["mail", "samaccountname", "title"]);
        let (_, census) = read_ldap(&settings, &ask).await;
        let cursor = census.cursor.unwrap_or_else(|| panic!("no cursor: {:?}", census.advice));
        let source = LdapSource::new(settings.clone());
        Self { source, settings, ask, cursor, advice: census.advice }
    }

    async fn ask(&self) -> Changes {
        let told = self.source.changes(&self.ask, &self.cursor).await;
        told.unwrap_or_else(|error| panic!("{error}; {}", error.remedy))
    }

    async fn next(&mut self) -> Vec<Hint> {
        match self.ask().await {
            Changes::Since { hints, cursor } => {
                self.cursor = cursor;
                hints
            }
            Changes::Doubt(reason) => panic!("{reason}"),
        }
    }

    async fn doubt(&self) -> String {
        match self.ask().await {
            Changes::Doubt(reason) => reason,
            Changes::Since { .. } => panic!("there is no doubt"),
        }
    }

    async fn anchor(&self, login: &str) -> SourceId {
        let (records, _) = read_ldap(&self.settings, &self.ask).await;
        find(&records, "samaccountname", login).anchor
    }
}

/// Each object with its kind.
fn kinds(hints: &[Hint]) -> Vec<(SourceId, Hinted)> {
    hints.iter().map(|hint| (hint.anchor, hint.what)).collect()
}

fn corp(rdns: &str) -> String {
    format!("{rdns},OU=Corp,{SUFFIX}")
}

/// Every kind of edit, each followed by a question. DirSync tells exactly what it should;
/// `uSNChanged` may tell more, and `exact` is false.
async fn every_edit_is_told(method: Method, exact: bool) {
    let samba = Samba::start();
    let ann = samba.add_user("ann", "Ann Lee");
    let bob = samba.add_user("bob", "Bob Ray");
    let cyd = samba.add_user("cyd", "Cyd Fox");
    let staff = samba.add_group("Staff", &[&bob]);
    let mut told = Told::begin(samba_settings(&samba), Some(method)).await;
    assert_eq!(told.cursor.method, method);
    assert!(told.cursor.tells_deletions);
    // A Samba forest states 180 days.
    assert_eq!(told.cursor.good_for, Some(179 * 86_400));
    assert_eq!(told.advice, None);
    let (a, b, c) = (told.anchor("ann").await, told.anchor("bob").await, told.anchor("cyd").await);
    let s = told.anchor("Staff").await;
    let check = |what: &str, hints: Vec<Hint>, expected: &[(SourceId, Hinted)]| {
        let told = kinds(&hints);
        if exact {
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(told, expected, "{what}: {hints:?}");
        } else {
            assert!(expected.iter().all(|hint| told.contains(hint)), "{what}: {hints:?}");
        }
        hints
    };
    check("nothing", told.next().await, &[]);

    samba.set(&ann, "title", "Engineer");
    let hints = check("modify", told.next().await, &[(a, Hinted::Object)]);
    assert_eq!(hints[0].dn.as_ref(), Some(&ann));
    samba.clear(&ann, "mail");
    check("clear", told.next().await, &[(a, Hinted::Object)]);
    samba.disable(&ann);
    check("disable", told.next().await, &[(a, Hinted::Object)]);
    samba.set(&ann, "accountExpires", "134116992000000000");
    check("expiry", told.next().await, &[(a, Hinted::Object)]);

    samba.add_member(&staff, &ann);
    check("group add", told.next().await, &[(s, Hinted::Group)]);
    samba.remove_member(&staff, &bob);
    check("group remove", told.next().await, &[(s, Hinted::Group)]);
    samba.remove_member(&staff, &ann);
    check("group emptied", told.next().await, &[(s, Hinted::Group)]);
    samba.add_member(&staff, &bob);
    check("group filled", told.next().await, &[(s, Hinted::Group)]);
    samba.rename(&staff, "CN=Crew", None);
    check("group rename", told.next().await, &[(s, Hinted::Group)]);
    samba.set(&ann, "primaryGroupID", "514");
    check("primary group", told.next().await, &[(a, Hinted::Object)]);

    samba.rename(&ann, "CN=Ann Li", None);
    let ann = corp("CN=Ann Li,OU=Sales");
    let hints = check("rename", told.next().await, &[(a, Hinted::Object)]);
    assert_eq!(hints[0].dn.as_ref(), Some(&ann));
    samba.rename(&ann, "CN=Ann Li", Some(&corp("OU=Leavers")));
    check("move", told.next().await, &[(a, Hinted::Object)]);

    // Renamed, then moved: the unit is told, and nobody below it.
    samba.rename(&corp("OU=Sales"), "OU=Trade", None);
    let hints = told.next().await;
    let unit = hints.iter().find(|hint| hint.what == Hinted::Container).expect("the unit").clone();
    assert_eq!(unit.dn, Some(corp("OU=Trade")));
    check("unit rename", hints, &[(unit.anchor, Hinted::Container)]);
    samba.rename(&corp("OU=Trade"), "OU=Trade", Some(&corp("OU=Groups")));
    let hints = check("unit move", told.next().await, &[(unit.anchor, Hinted::Container)]);
    assert_eq!(hints[0].dn, Some(corp("OU=Trade,OU=Groups")));
    let plain = format!("CN=Box,OU=Corp,{SUFFIX}");
    samba.modify(&format!("dn: {plain}\nobjectClass: container\n\n"));
    samba.modify(&format!("dn: CN=Box2,OU=Corp,{SUFFIX}\nobjectClass: contact\n\n"));
    told.next().await;
    // The class of what does not show it by its name is asked for.
    samba.rename(&plain, "CN=Crate", None);
    let hints = told.next().await;
    assert_eq!(hints.iter().filter(|hint| hint.what == Hinted::Container).count(), 1, "{hints:?}");

    let dee = samba.add_user("dee", "Dee Oak").replace("OU=Sales", "OU=Sales");
    let _ = dee;
}

#[tokio::test(flavor = "multi_thread")]
async fn dirsync_tells_every_edit() {
    every_edit_is_told(Method::Dirsync, true).await;
}
