//! What changed in a real Samba Active Directory domain, by each method that it offers.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dirsyncd::model::{Ask, Changes, Cursor, Hint, Hinted, Method, Redacted, SourceId, Watched};
use dirsyncd::source::Source;
use dirsyncd::source::ldap::{LdapSource, Settings};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::reading::{ask, find, read_ldap, samba_settings};
use crate::support::process::run_with_input;
use crate::support::samba::{ADMIN, PASSWORD, SUFFIX, Samba};

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

/// An edit through the server: of what is written past it, it knows only some seconds later.
fn over_ldap(samba: &Samba, ldif: &str) {
    let mut command = Command::new("ldapmodify");
    command.args(["-x", "-H", &samba.url(), "-D", ADMIN, "-w", PASSWORD]);
    run_with_input(command.env("LDAPTLS_CACERT", samba.ca_file()), ldif);
}

/// Whether exactly these are told, or at least these: `uSNChanged` moves for more reasons.
fn check(what: &str, exact: bool, hints: Vec<Hint>, expected: &[(SourceId, Hinted)]) -> Vec<Hint> {
    let told = kinds(&hints);
    if exact {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(told, expected, "{what}: {hints:?}");
    }
    assert!(expected.iter().all(|hint| told.contains(hint)), "{what}: {hints:?}");
    hints
}

/// Every kind of edit, each followed by a question.
async fn every_edit_is_told(method: Method, exact: bool) {
    let samba = Samba::start();
    let ann = samba.add_user("ann", "Ann Lee");
    let bob = samba.add_user("bob", "Bob Ray");
    let staff = samba.add_group("Staff", &[&bob]);
    let mut told = Told::begin(samba_settings(&samba), Some(method)).await;
    assert_eq!((told.cursor.method, told.cursor.tells_deletions), (method, true));
    // A Samba forest states 180 days.
    assert_eq!(told.cursor.good_for, Some(179 * 86_400));
    assert_eq!(told.advice, None);
    let (a, b, s) = (told.anchor("ann").await, told.anchor("bob").await, told.anchor("Staff").await);
    check("nothing", true, told.next().await, &[]);

    samba.set(&ann, "title", "Engineer");
    let hints = check("modify", exact, told.next().await, &[(a, Hinted::Object)]);
    assert_eq!(hints[0].dn.as_ref(), Some(&ann));
    samba.clear(&ann, "mail");
    check("clear", exact, told.next().await, &[(a, Hinted::Object)]);
    samba.disable(&ann);
    check("disable", exact, told.next().await, &[(a, Hinted::Object)]);
    samba.set(&ann, "accountExpires", "134116992000000000");
    check("expiry", exact, told.next().await, &[(a, Hinted::Object)]);

    samba.add_member(&staff, &ann);
    check("member added", exact, told.next().await, &[(s, Hinted::Group)]);
    samba.remove_member(&staff, &bob);
    check("member removed", exact, told.next().await, &[(s, Hinted::Group)]);
    samba.remove_member(&staff, &ann);
    check("group emptied", exact, told.next().await, &[(s, Hinted::Group)]);
    samba.add_member(&staff, &bob);
    check("group filled", exact, told.next().await, &[(s, Hinted::Group)]);
    samba.rename(&staff, "CN=Crew", None);
    check("group renamed", exact, told.next().await, &[(s, Hinted::Group)]);
    samba.add_member(&format!("CN=Domain Guests,CN=Users,{SUFFIX}"), &ann);
    told.next().await;
    samba.set(&ann, "primaryGroupID", "514");
    check("primary group", false, told.next().await, &[(a, Hinted::Object)]);

    samba.rename(&ann, "CN=Ann Li", None);
    let hints = check("rename", exact, told.next().await, &[(a, Hinted::Object)]);
    assert_eq!(hints[0].dn, Some(corp("CN=Ann Li,OU=Sales")));
    samba.rename(&corp("CN=Ann Li,OU=Sales"), "CN=Ann Li", Some(&corp("OU=Leavers")));
    check("move", exact, told.next().await, &[(a, Hinted::Object)]);

    // A unit is told and nobody below it.
    samba.rename(&corp("OU=Sales"), "OU=Trade", None);
    let hints = told.next().await;
    let unit = hints.iter().find(|hint| hint.what == Hinted::Container).expect("the unit").clone();
    assert_eq!(unit.dn, Some(corp("OU=Trade")));
    check("unit renamed", exact, hints, &[(unit.anchor, Hinted::Container)]);
    samba.rename(&corp("OU=Trade"), "OU=Trade", Some(&corp("OU=Groups")));
    let hints = check("unit moved", exact, told.next().await, &[(unit.anchor, Hinted::Container)]);
    assert_eq!(hints[0].dn, Some(corp("OU=Trade,OU=Groups")));
    // What this one is its name does not show.
    samba.modify(&format!("dn: {}\nobjectClass: container\n\n", corp("CN=Box")));
    let made = told.next().await;
    assert_eq!((made.len(), made[0].what), (1, Hinted::Container), "{made:?}");
    samba.rename(&corp("CN=Box"), "CN=Crate", None);
    check("container renamed", exact, told.next().await, &[(made[0].anchor, Hinted::Container)]);

    samba.modify(&format!(
        "dn: {}\nobjectClass: user\nsAMAccountName: cyd\nmail: cyd@example.test\n\n",
        corp("CN=Cyd Fox")
    ));
    let made = told.next().await;
    check("create", exact, made, &[(told.anchor("cyd").await, Hinted::Object)]);
    // The member goes, and his group is not told of it by DirSync.
    samba.delete(&corp("CN=Bob Ray,OU=Trade,OU=Groups"));
    let hints = check("delete", exact, told.next().await, &[(b, Hinted::Gone)]);
    assert!(hints.iter().all(|hint| hint.what != Hinted::Gone || hint.dn.is_none()), "{hints:?}");
    samba.delete(&corp("CN=Crew,OU=Groups"));
    check("group deleted", exact, told.next().await, &[(s, Hinted::Gone)]);
    check("nothing at the end", true, told.next().await, &[]);

    // A computer is nobody.
    samba.modify(&format!("dn: {}\nobjectClass: computer\nsAMAccountName: pc1$\n\n", corp("CN=PC1")));
    check("computer", true, told.next().await, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dirsync_tells_every_edit() {
    every_edit_is_told(Method::Dirsync, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn usn_tells_every_edit() {
    every_edit_is_told(Method::Usn, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_asked_for_is_noise_only_to_usn() {
    let samba = Samba::start();
    let ann = samba.add_user("ann", "Ann Lee");
    let mut dirsync = Told::begin(samba_settings(&samba), None).await;
    assert_eq!(dirsync.cursor.method, Method::Dirsync, "the best comes first");
    let mut usn = Told::begin(samba_settings(&samba), Some(Method::Usn)).await;
    let a = usn.anchor("ann").await;
    samba.set(&ann, "info", "somewhere else");
    assert_eq!(kinds(&dirsync.next().await), []);
    assert_eq!(kinds(&usn.next().await), [(a, Hinted::Object)]);
    // An attribute that the schema does not know does not make the server refuse.
    dirsync.ask.attributes.insert("extensionattribute77".into());
    assert!(dirsync.doubt().await.contains("settings"), "other attributes are another question");
    dirsync.ask.attributes.extend(["memberof".into(), "lastlogon".into(), "distinguishedname".into()]);
    dirsync.settings.changes = Some(Method::Dirsync);
    let (_, census) = read_ldap(&dirsync.settings, &dirsync.ask).await;
    dirsync.cursor = census.cursor.expect("a cursor");
    let advice = census.advice.expect("advice");
    assert!(advice.contains("lastLogon, memberOf are seen by full passes only"), "{advice}");
    samba.set(&ann, "title", "Engineer");
    assert_eq!(kinds(&dirsync.next().await), [(a, Hinted::Object)]);
    usn.next().await;

    // A question about nothing.
    for told in [&mut dirsync, &mut usn] {
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let start = Instant::now();
            assert_eq!(told.next().await, []);
            best = best.min(start.elapsed());
        }
        println!("{}: nothing changed, {best:?} with connecting and binding", told.cursor.method);
        assert!(best < Duration::from_secs(2), "{best:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_rights_sees_changes_and_no_deletions() {
    let samba = Samba::start();
    let ann = samba.add_user("ann", "Ann Lee");
    let account = samba.add_user("svc", "Svc Reader");
    samba.set_password("svc", "Another!Pass1");
    let mut settings = samba_settings(&samba);
    settings.bind = Some("svc@example.test".into());
    settings.password = Redacted("Another!Pass1".into());
    for (method, right) in [
        (Method::Dirsync, "\"Replicating Directory Changes\" on DC=example"),
        (Method::Usn, "CN=Deleted Objects"),
    ] {
        let mut told = Told::begin(settings.clone(), Some(method)).await;
        assert!(!told.cursor.tells_deletions);
        let advice = told.advice.clone().expect("advice");
        assert!(advice.contains(right) && advice.contains("full passes only"), "{advice}");
        let a = told.anchor("ann").await;
        assert_eq!(told.next().await, []);
        samba.set(&ann, "title", method.word());
        assert_eq!(kinds(&told.next().await), [(a, Hinted::Object)]);
        let gone = samba.add_user("gone", "Gone Soon");
        let g = told.anchor("gone").await;
        assert_eq!(kinds(&told.next().await), [(g, Hinted::Object)]);
        samba.delete(&gone);
        // As promised: untold.
        assert_eq!(kinds(&told.next().await), []);
    }
    // With the right, Samba answers as it does to administrators, and still hides what was deleted
    // from who may not read it. That shows, because something was.
    samba.grant_replication(&account);
    let mut told = Told::begin(settings, None).await;
    assert_eq!((told.cursor.method, told.cursor.tells_deletions), (Method::Dirsync, false));
    let advice = told.advice.clone().expect("advice");
    assert!(advice.contains("is shown nothing that was deleted"), "{advice}");
    let a = told.anchor("ann").await;
    samba.set(&ann, "title", "Engineer");
    assert_eq!(kinds(&told.next().await), [(a, Hinted::Object)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_is_worth_nothing_is_doubted() {
    let samba = Samba::start();
    let mut told = Told::begin(samba_settings(&samba), Some(Method::Dirsync)).await;
    let good = told.cursor.mark.clone();
    let mut mark: serde_json::Value = serde_json::from_str(&good).expect("a mark");
    let root = mark[0]["root"].take();
    assert!(root.is_string(), "{good}");
    mark[0]["cookie"] = "anVuaw==".into();
    let foreign = mark.to_string();
    mark[0]["root"] = root;
    let junk = mark.to_string();
    for (mark, words) in [
        ("nonsense", "cannot be read"),
        ("[]", "others than before"),
        (&junk.replace("anVuaw==", "?"), "cannot be read"),
        (&junk, "refuses to go on"),
        (&foreign, "another domain"),
        (r#"[{"nc":"DC=other,DC=test","cookie":"anVuaw=="}]"#, "others than before"),
    ] {
        told.cursor.mark = mark.to_owned();
        let reason = told.doubt().await;
        assert!(reason.contains(words), "{mark}: {reason}");
    }
    told.cursor.mark = good;
    assert_eq!(told.next().await, []);

    let mut told = Told::begin(samba_settings(&samba), Some(Method::Usn)).await;
    let good = told.cursor.mark.clone();
    let mark: serde_json::Value = serde_json::from_str(&good).expect("a mark");
    let with = |key: &str, value: serde_json::Value| {
        let mut mark = mark.clone();
        mark[key] = value;
        mark.to_string()
    };
    let usn = mark["usn"].as_u64().expect("a count");
    for (mark, words) in [
        ("nonsense".to_owned(), "cannot be read"),
        (with("usn", (usn + 1000).into()), "restored from a backup"),
        (with("usn", u64::MAX.into()), "restored from a backup"),
        (with("invocation", "6f1d3c1e-0a2b-4c3d-8e9f-001122334455".into()), "another database"),
    ] {
        told.cursor.mark = mark;
        let reason = told.doubt().await;
        assert!(reason.contains(words), "{reason}");
    }
    told.cursor.mark = good;
    assert_eq!(told.next().await, []);
    told.cursor.identity.push('x');
    assert!(told.doubt().await.contains("another server"));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_settings_decide_what_can_be_told() {
    let samba = Samba::start();
    let ann = samba.add_user("ann", "Ann Lee");
    let mut settings = samba_settings(&samba);
    // Bases below the root of the partition; a filter of the administrator's.
    settings.bases = vec![corp("OU=Sales"), corp("OU=Leavers")];
    settings.group_bases = vec![corp("OU=Groups")];
    settings.person_filter = Some("(mail=*)".into());
    for method in [Method::Dirsync, Method::Usn] {
        let mut told = Told::begin(settings.clone(), Some(method)).await;
        assert!(told.cursor.tells_deletions, "{:?}", told.advice);
        assert_eq!(told.next().await, []);
        samba.set(&ann, "title", method.word());
        let box_dn = corp(&format!("CN={method} contact"));
        samba.modify(&format!("dn: {box_dn}\nobjectClass: contact\nmail: box@example.test\n\n"));
        let hints = told.next().await;
        assert_eq!(hints.len(), 2, "{hints:?}");
        assert!(hints.iter().all(|hint| hint.what == Hinted::Object), "{hints:?}");
        // Out of every base.
        samba.delete(&box_dn);
        let hints = told.next().await;
        assert_eq!(hints.iter().map(|hint| hint.what).collect::<Vec<_>>(), [Hinted::Gone]);
    }
    settings.anchor = Some("sAMAccountName".into());
    let told = Told::begin(settings, None).await;
    assert_eq!((told.cursor.method, told.cursor.tells_deletions), (Method::Usn, false));
    let advice = told.advice.expect("advice");
    assert!(advice.contains("by dirsync: it names objects by objectGUID"), "{advice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_wakes_who_waits_and_a_dead_server_ends_it() {
    let mut samba = Samba::start();
    let ann = samba.add_user("ann", "Ann Lee");
    let (source, ask) = (LdapSource::new(samba_settings(&samba)), ask(&["title"]));
    let wake = Arc::new(Notify::new());
    let watching = {
        let (source, ask, wake) = (source.clone(), ask.clone(), wake.clone());
        tokio::spawn(async move { source.watch(&ask, wake).await })
    };
    let woken = async |limit| timeout(limit, wake.notified()).await.is_ok();
    assert!(woken(Duration::from_secs(10)).await, "woken when the waiting has begun");
    for title in ["one", "two", "three"] {
        // One edit may wake more than once.
        while woken(Duration::from_millis(300)).await {}
        over_ldap(&samba, &format!("dn: {ann}\nchangetype: modify\nreplace: title\ntitle: {title}\n"));
        let edited = Instant::now();
        assert!(woken(Duration::from_secs(1)).await, "{title}");
        println!("woken {:?} after the edit", edited.elapsed());
    }
    samba.kill();
    let ended = timeout(Duration::from_secs(10), watching).await.expect("it ends").expect("no panic");
    match ended {
        Ok(Watched::Ended(words)) => assert!(words.contains("connection"), "{words}"),
        other => panic!("{other:?}"),
    }
    // Nobody answers.
    assert!(source.watch(&ask, wake).await.is_err());
}
