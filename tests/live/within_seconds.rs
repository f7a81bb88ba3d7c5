//! An edit in the directory is in the cloud within seconds while the daemon runs: it listens, and
//! does not wait for its next question.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dirsyncd::sandbox::{Sandbox, Settings};

use crate::support::connector::{Connector, TOKEN, cloud_contents};
use crate::support::process::{Server, run_with_input};
use crate::support::samba::{self, Samba};
use crate::support::slapd;

/// Edits whose way is timed.
const EDITS: usize = 20;

/// Edits a title again and again, and waits for each in the cloud. Gives the median.
async fn median(config: &str, password: &str, edit: impl Fn(&str)) -> Duration {
    let sandbox =
        Sandbox::start(Settings { token: TOKEN.into(), ..Settings::default() }).await.expect("a sandbox");
    let url = sandbox.base_url();
    // Neither the schedule nor a poll can bring an edit within the time of this test.
    let schedule = "[schedule]\nsync = \"every 6h\"\npoll = \"2h\"\n";
    let connector = Connector::new(&format!("{config}{schedule}"), &url);
    connector.secret("password", password);
    let log = connector.dir().join("run.log");
    let mut command = connector.command(&["run"]);
    command.stdout(Stdio::null());
    let _daemon = Server::spawn(&mut command, log.clone());
    let arrives = async |title: &str| {
        let begun = Instant::now();
        let late = || {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "\"{title}\" does not arrive: {log}");
        };
        while cloud_contents(&url).await.get("ann@example.test").map(|ann| ann.title.as_str()) != Some(title)
        {
            late();
            tokio::task::yield_now().await;
        }
        begun.elapsed()
    };
    arrives("first").await;
    let mut took = Vec::new();
    for n in 0..EDITS {
        let title = format!("title {n}");
        edit(&title);
        took.push(arrives(&title).await);
    }
    sandbox.stop().await;
    took.sort_unstable();
    took[EDITS / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_samba_arrives() {
    let samba = Samba::start();
    let ann = samba.add_user("ann", "Ann Lee");
    samba.set(&ann, "title", "first");
    let config = format!(
        "[[source]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"{}\"]\nca_file = \"{}\"\nbind = \"{}\"\n\
         password_file = \"password\"\nbases = [\"OU=Corp,{}\"]\n",
        samba.url(),
        samba.ca_file().display(),
        samba::ADMIN,
        samba::SUFFIX
    );
    let took = median(&config, samba::PASSWORD, |title| {
        run_with_input(
            Command::new("ldapmodify")
                .args(["-x", "-H", &samba.url(), "-D", samba::ADMIN, "-w", samba::PASSWORD])
                .env("LDAPTLS_CACERT", samba.ca_file()),
            &format!("dn: {ann}\nchangetype: modify\nreplace: title\ntitle: {title}\n-\n\n"),
        );
    })
    .await;
    eprintln!("Samba: {took:?} from the edit to the cloud, the median of {EDITS}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_slapd_arrives() {
    let ann = format!("uid=ann,ou=people,{}", slapd::SUFFIX);
    let slapd = slapd::Options::default()
        .ldif(&format!(
            "dn: {ann}\nobjectClass: inetOrgPerson\nuid: ann\ncn: Ann Lee\nsn: Lee\nmail: ann@example.test\ntitle: first"
        ))
        .start();
    let config = format!(
        "[[source]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"{}\"]\ndanger_plain_ldap = true\nbind = \"{}\"\n\
         password_file = \"password\"\nbases = [\"ou=people,{}\"]\n[people]\ndialect = \"inet_org_person\"\n",
        slapd.url(),
        slapd::READER,
        slapd::SUFFIX
    );
    let took = median(&config, slapd::PASSWORD, |title| {
        slapd.modify(&format!("dn: {ann}\nchangetype: modify\nreplace: title\ntitle: {title}\n-\n\n"));
    })
    .await;
    eprintln!("slapd: {took:?} from the edit to the cloud, the median of {EDITS}");
}
