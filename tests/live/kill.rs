//! `kill -9` at any instant of a first load: the next pass goes on, nobody is there twice.

use std::time::{Duration, Instant};

use dirsyncd::sandbox::{LicenseSpec, Sandbox, Settings};

use crate::support::connector::{Connector, Seen, TOKEN, cloud_contents, writes};
use crate::support::slapd::{self, Options, Slapd, people_ldif};

/// People in the directory.
const PEOPLE: usize = 2_000;
/// Processes killed.
const KILLS: u32 = 50;
/// Kills before a load is allowed to come to its end.
const PER_LOAD: u32 = 10;

fn config(slapd: &Slapd) -> String {
    format!(
        "[[source]]\nname = \"company\"\nkind = \"ldap\"\nurls = [\"{}\"]\nca_file = \"{}\"\nbind = \"{}\"\n\
         password_file = \"password\"\nbases = [\"ou=people,{}\"]\n[people]\ndialect = \"inet_org_person\"\n\
         [[entitlement]]\nname = \"everybody\"\nlicenses = [\"message.messaging\"]\n",
        slapd.tls_url(),
        slapd.ca_file().display(),
        slapd::READER,
        slapd::SUFFIX,
    )
}

async fn sandbox() -> Sandbox {
    let licenses = vec![LicenseSpec::paid("Advanced Messaging", "MS", PEOPLE as u64, "Sub100")];
    Sandbox::start(Settings { token: TOKEN.into(), licenses, ..Settings::default() })
        .await
        .expect("a sandbox")
}

/// A small generator with a fixed seed: the instants are the same in every run, as far as the
/// machine is.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_load_survives_being_killed_again_and_again() {
    let slapd = Options::default().ldif(&people_ldif(0, PEOPLE)).start();
    let undisturbed = {
        let sandbox = sandbox().await;
        let connector = Connector::new(&config(&slapd), &sandbox.base_url());
        connector.secret("password", slapd::PASSWORD);
        let begin = Instant::now();
        connector.json(0, &["sync"]);
        let took = begin.elapsed();
        sandbox.stop().await;
        // On a busy machine a load takes long, and most of that is waiting for a core.
        took.min(Duration::from_millis(1_500))
    };
    let mut dice = Dice(20_261_122);
    let mut kills = 0;
    while kills < KILLS {
        let sandbox = sandbox().await;
        let url = sandbox.base_url();
        let connector = Connector::new(&config(&slapd), &url);
        connector.secret("password", slapd::PASSWORD);
        for _ in 0..PER_LOAD {
            let mut child = connector
                .command(&["--quiet", "sync"])
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("the binary runs");
            let instant = Duration::from_micros(dice.below(undisturbed.as_micros() as u64));
            tokio::time::sleep(instant).await;
            if child.try_wait().expect("our own child").is_some() {
                break;
            }
            child.kill().expect("our own child");
            child.wait().expect("our own child");
            kills += 1;
        }
        connector.json(0, &["sync"]);
        let people = cloud_contents(&url).await;
        assert_eq!(people.len(), PEOPLE, "everybody is there, and nobody twice");
        let complete = |seen: &Seen| seen.active && !seen.external_id.is_empty() && seen.licenses.len() == 1;
        assert!(people.values().all(complete));
        let quiet = writes(&url).await;
        connector.json(0, &["sync"]);
        connector.json(0, &["sync", "--full"]);
        assert_eq!(writes(&url).await, quiet, "a further pass has nothing to do");
        sandbox.stop().await;
    }
}
