//! Every way of finding changes, with the same edits: after each of them, a pass that follows
//! what changed leaves the cloud exactly as a first pass over everything would make it.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use dirsyncd::sandbox::{Sandbox, Settings};

use crate::support::connector::{Connector, Seen, TOKEN, cloud_contents};
use crate::support::ds389::{Ds389, RECORD_IDS};
use crate::support::process::Server;
use crate::support::samba::{self, Samba};
use crate::support::slapd::{self, Slapd};

/// A directory that can be edited, and how it is configured.
struct Estate<'a> {
    /// Active Directory, or one with `inetOrgPerson`.
    is_ad: bool,
    suffix: &'a str,
    /// Below it people are searched.
    base: String,
    groups: String,
    source: String,
    password: &'a str,
    modify: &'a dyn Fn(&str),
}

impl Estate<'_> {
    fn config(&self, changes: &str) -> String {
        let dialect = if self.is_ad { "" } else { "[people]\ndialect = \"inet_org_person\"\n" };
        format!(
            "[[source]]\nname = \"corp\"\nkind = \"ldap\"\n{}bases = [\"{}\"]\ngroup_bases = [\"{}\"]\n\
             changes = \"{changes}\"\n{dialect}[people.scope]\nfilter = \"(!(employeeType=inactive))\"\n\
             [[entitlement]]\nname = \"staff\"\ngroups = [\"Staff\"]\nlicenses = [\"message.messaging\"]\n\
             [guard.deactivate]\ncount = 100\npercent = 100\nfloor = 100\n\
             [guard.license_remove]\ncount = 100\npercent = 100\nfloor = 100\n",
            self.source, self.base, self.groups
        )
    }

    fn unit(&self, name: &str) -> String {
        format!("OU={name},{}", self.base)
    }

    fn outside(&self) -> String {
        format!("OU=Outside,{}", self.suffix)
    }

    fn group_dn(&self, name: &str) -> String {
        format!("CN={name},{}", self.groups)
    }

    fn person(&self, login: &str, name: &str, unit: &str) -> String {
        let (given, family) = name.split_once(' ').unwrap_or((name, name));
        let classes = if self.is_ad {
            format!("objectClass: user\nsAMAccountName: {login}\nuserAccountControl: 544\n")
        } else {
            "objectClass: inetOrgPerson\n".to_owned()
        };
        format!(
            "dn: CN={name},{unit}\nchangetype: add\n{classes}cn: {name}\ngivenName: {given}\nsn: {family}\n\
             displayName: {name}\nmail: {login}@example.test\n\n"
        )
    }

    fn group(&self, name: &str, members: &[&str]) -> String {
        let dn = self.group_dn(name);
        let classes = if self.is_ad {
            format!("objectClass: group\nsAMAccountName: {name}\n")
        } else {
            // Such a group has at least one member.
            format!("objectClass: groupOfNames\nmember: {}\n", slapd::READER)
        };
        let members: String = members.iter().map(|dn| format!("member: {dn}\n")).collect();
        format!("dn: {dn}\nchangetype: add\n{classes}cn: {name}\n{members}\n")
    }

    fn member(&self, how: &str, group: &str, dn: &str) -> String {
        format!("dn: {}\nchangetype: modify\n{how}: member\nmember: {dn}\n-\n\n", self.group_dn(group))
    }

    fn company(&self) {
        let sales = self.unit("Trade");
        let mut units = vec![sales.clone(), self.unit("Support"), self.outside()];
        units.retain(|unit| !unit.is_empty());
        let mut ldif: String = units
            .iter()
            .map(|dn| format!("dn: {dn}\nchangetype: add\nobjectClass: organizationalUnit\n\n"))
            .collect();
        for (login, name) in PEOPLE {
            ldif.push_str(&self.person(login, name, &sales));
        }
        let dn = |name: &str| format!("CN={name},{sales}");
        ldif.push_str(&self.group("Inner", &[&dn("Cyd Fox")]));
        ldif.push_str(&self.group("Staff", &[&dn("Ann Lee"), &dn("Bob Ray")]));
        (self.modify)(&ldif);
    }

    /// The edits, in order, each with a name; and whether it takes somebody out of sight.
    fn edits(&self) -> Vec<(&'static str, bool, String)> {
        let (sales, support) = (self.unit("Trade"), self.unit("Support"));
        let renamed = self.unit("Handel");
        let set = |dn: &str, what: &str| format!("dn: {dn}\nchangetype: modify\n{what}-\n\n");
        let to = |dn: &str, rdn: &str, parent: &str| {
            format!("dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {parent}\n\n")
        };
        let delete = |dn: &str| format!("dn: {dn}\nchangetype: delete\n\n");
        let gus = format!("CN=Gus Elm,{support}");
        let ann = format!("CN=Ann Lee,{sales}");
        let bob = format!("CN=Bob Ray,{sales}");
        let at = |name: &str| format!("CN={name},{renamed}");
        let disable = if self.is_ad { "userAccountControl: 546\n" } else { "employeeType: inactive\n" };
        let enable = if self.is_ad { "userAccountControl: 544\n" } else { "employeeType: staff\n" };
        let state = if self.is_ad { "userAccountControl" } else { "employeeType" };
        vec![
            ("create", false, self.person("gus", "Gus Elm", &support)),
            ("modify", false, set(&ann, "replace: title\ntitle: Cook\n")),
            ("modify another", false, set(&bob, "replace: title\ntitle: Smith\n")),
            ("clear an attribute", false, set(&bob, "replace: title\n")),
            ("rename", false, to(&bob, "CN=Bob Roe", &sales)),
            ("move", false, to(&ann, "CN=Ann Lee", &support)),
            ("rename a unit", false, to(&sales, "OU=Handel", &self.base)),
            ("disable", false, set(&at("Dee Oak"), &format!("replace: {state}\n{disable}"))),
            ("enable", false, set(&at("Dee Oak"), &format!("replace: {state}\n{enable}"))),
            ("delete", true, delete(&at("Eve Ash"))),
            ("add to a group", false, self.member("add", "Staff", &gus)),
            (
                "remove from a group",
                false,
                self.member("delete", "Staff", &self.member_name("Ann Lee", &support)),
            ),
            ("add a group to a group", false, self.member("add", "Staff", &self.group_dn("Inner"))),
            ("add to the inner group", false, self.member("add", "Inner", &at("Dee Oak"))),
            ("remove from the inner group", false, self.member("delete", "Inner", &at("Dee Oak"))),
            ("delete a member", true, delete(&gus)),
            ("leave the scope", true, to(&at("Fay Elm"), "CN=Fay Elm", &self.outside())),
            ("return", false, to(&format!("CN=Fay Elm,{}", self.outside()), "CN=Fay Elm", &support)),
            // With another address: that of a leaver is not given on.
            ("another one takes the name", false, self.person("gus.elm", "Gus Elm", &support)),
        ]
    }

    /// How a group names a member who was moved: only Active Directory follows.
    fn member_name(&self, name: &str, now: &str) -> String {
        match self.is_ad {
            true => format!("CN={name},{now}"),
            false => format!("CN={name},{}", self.unit("Trade")),
        }
    }
}

const PEOPLE: [(&str, &str); 6] = [
    ("ann", "Ann Lee"),
    ("bob", "Bob Ray"),
    ("cyd", "Cyd Fox"),
    ("dee", "Dee Oak"),
    ("eve", "Eve Ash"),
    ("fay", "Fay Elm"),
];

async fn sandbox() -> Sandbox {
    Sandbox::start(Settings { token: TOKEN.into(), ..Settings::default() }).await.expect("a sandbox")
}

/// Everybody who may log in.
async fn active(url: &str) -> BTreeMap<String, Seen> {
    let everybody = cloud_contents(url).await;
    everybody.into_iter().filter(|(_, seen)| seen.active).collect()
}

async fn follows(estate: &Estate<'_>, method: &str) {
    estate.company();
    let cloud = sandbox().await;
    let url = cloud.base_url();
    let connector = Connector::new(&estate.config(method), &url);
    connector.secret("password", estate.password);
    let first = connector.json(0, &["sync"]);
    assert_eq!((&first["counts"]["create"], &first["read"]), (&6.into(), &"everything".into()), "{first}");
    let mut everything = Vec::new();
    for (edit, out_of_sight, ldif) in estate.edits() {
        (estate.modify)(&ldif);
        // Deletions are told by none that only looks at times.
        let blind = method == "full" || method == "timestamp" && out_of_sight;
        let passed = connector.json(0, if blind { &["sync", "--full"] } else { &["sync"] });
        if passed["read"] == "everything" && !blind {
            everything.push(edit);
        }
        let scratch = sandbox().await;
        let fresh = Connector::new(&estate.config("full"), &scratch.base_url());
        fresh.secret("password", estate.password);
        fresh.json(0, &["sync"]);
        assert_eq!(
            active(&url).await,
            active(&scratch.base_url()).await,
            "{method}: after \"{edit}\" (left: followed, right: read whole): {passed}"
        );
        scratch.stop().await;
    }
    // Members of a group within a group may be so by the primary group of Active Directory,
    // which no list tells.
    let expected: &[&str] = match method {
        "full" => &[],
        "syncrepl" => &["rename a unit"],
        _ => &["rename a unit", "add a group to a group"],
    };
    assert_eq!(everything, expected, "{method}");
    cloud.stop().await;
}

/// The same through the daemon, which waits on the directory: neither its schedule nor a poll comes
/// within the time of a test.
async fn listens(estate: &Estate<'_>, method: &str) {
    estate.company();
    let cloud = sandbox().await;
    let url = cloud.base_url();
    let schedule = "[schedule]\nsync = \"every 6h\"\npoll = \"2h\"\n";
    let connector = Connector::new(&format!("{}{schedule}", estate.config(method)), &url);
    connector.secret("password", estate.password);
    let log = connector.dir().join("run.log");
    let mut command = connector.command(&["run"]);
    command.stdout(Stdio::null());
    let _daemon = Server::spawn(&mut command, log.clone());
    for (edit, _, ldif) in std::iter::once(("nothing", false, String::new())).chain(estate.edits()) {
        if !ldif.is_empty() {
            (estate.modify)(&ldif);
        }
        let scratch = sandbox().await;
        let fresh = Connector::new(&estate.config("full"), &scratch.base_url());
        fresh.secret("password", estate.password);
        fresh.json(0, &["sync"]);
        let expected = active(&scratch.base_url()).await;
        scratch.stop().await;
        let begun = Instant::now();
        loop {
            let now = active(&url).await;
            if now == expected {
                break;
            }
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "after \"{edit}\": {now:?}, and read whole: {expected:?}\n{log}"
            );
            tokio::task::yield_now().await;
        }
    }
    cloud.stop().await;
}

async fn follows_in_samba(method: &str) {
    let samba = Samba::start();
    let modify = |ldif: &str| samba.modify(ldif);
    let estate = Estate {
        is_ad: true,
        suffix: samba::SUFFIX,
        base: format!("OU=Corp,{}", samba::SUFFIX),
        groups: format!("OU=Groups,OU=Corp,{}", samba::SUFFIX),
        source: format!(
            "urls = [\"{}\"]\nca_file = \"{}\"\nbind = \"{}\"\npassword_file = \"password\"\n",
            samba.url(),
            samba.ca_file().display(),
            samba::ADMIN
        ),
        password: samba::PASSWORD,
        modify: &modify,
    };
    follows(&estate, method).await;
}

fn plain(url: &str) -> String {
    format!(
        "urls = [\"{url}\"]\ndanger_plain_ldap = true\nbind = \"{}\"\npassword_file = \"password\"\n",
        slapd::READER
    )
}

async fn follows_in_slapd(method: &str) {
    in_slapd(async |estate| follows(estate, method).await).await;
}

async fn in_slapd(test: impl AsyncFn(&Estate<'_>)) {
    let slapd: Slapd = slapd::Options::default().start();
    let modify = |ldif: &str| slapd.modify(ldif);
    let estate = Estate {
        is_ad: false,
        suffix: slapd::SUFFIX,
        base: format!("ou=people,{}", slapd::SUFFIX),
        groups: format!("ou=groups,{}", slapd::SUFFIX),
        source: plain(&slapd.url()),
        password: slapd::PASSWORD,
        modify: &modify,
    };
    test(&estate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_dirsync() {
    follows_in_samba("dirsync").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_usn() {
    follows_in_samba("usn").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_syncrepl() {
    follows_in_slapd("syncrepl").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_listening_to_syncrepl() {
    in_slapd(async |estate| listens(estate, "syncrepl").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_timestamp() {
    follows_in_slapd("timestamp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_reading_everything() {
    follows_in_slapd("full").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_syncrepl_of_389() {
    let ds = Ds389::start(&[RECORD_IDS]);
    let modify = |ldif: &str| ds.modify(ldif);
    let estate = Estate {
        is_ad: false,
        suffix: slapd::SUFFIX,
        base: format!("ou=people,{}", slapd::SUFFIX),
        groups: format!("ou=groups,{}", slapd::SUFFIX),
        source: plain(&ds.url()),
        password: slapd::PASSWORD,
        modify: &modify,
    };
    follows(&estate, "syncrepl").await;
}
