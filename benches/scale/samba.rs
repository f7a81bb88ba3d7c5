//! The part `samba`: following changes by directory synchronization. The reference is what
//! `ldapsearch` needs to connect by TLS, bind and read the root entry.
//!
//! Needs root and Samba. The people are loaded before the server starts: over LDAP it would take
//! hours. Every number of people is possible, and a domain controller with 50,000 is ready in
//! some minutes.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::support::process::run;
use super::support::samba::{ADMIN, DOMAIN, PASSWORD, SUFFIX, Samba};
use super::{Place, best, hear, run_sync, sandbox, write_private};

/// Objects that are edited.
const EDITS: usize = 100;

/// Measures at one size.
pub async fn measure(size: usize) {
    let begin = Instant::now();
    let samba = Samba::start_prepared(|conf| load(conf, size));
    println!("samba loaded in {:.0} s", begin.elapsed().as_secs_f64());
    let sandbox = sandbox().await;
    let place = place(&samba, &sandbox.base_url());
    let first = run_sync(&place, &[]);
    assert!(matches!(first.code, Some(0 | 6)), "the first pass ended with {:?}", first.code);
    println!("first pass: {:.1} s, peak {} MB", first.wall.as_secs_f64(), first.peak_mb);

    let root = best(|| ldapsearch(&samba, &place));
    let mut quiet: Vec<Duration> = Vec::new();
    for _ in 0..20 {
        let (took, heard) = hear(&place).await;
        assert_eq!(heard, None, "nothing changed");
        quiet.push(took);
    }
    quiet.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "asking what changed, nothing: {:.1} ms (median of 20; quickest {:.1}, slowest {:.1}); \
         ldapsearch of the root entry, as a process: {:.1} ms",
        ms(quiet[10]),
        ms(quiet[0]),
        ms(quiet[19]),
        ms(root),
    );
    let took = run_sync(&place, &[]);
    assert_eq!(took.code, Some(0), "a pass with nothing changed ends with 0");
    println!("a pass that follows nothing, as a process: {:.0} ms, peak {} MB", ms(took.wall), took.peak_mb);

    edit(&samba, size);
    let (took, heard) = hear(&place).await;
    assert_eq!(heard, Some(EDITS), "the edits are heard of");
    println!("asking what changed, {EDITS} people, up to their records: {:.0} ms", ms(took));
    let took = run_sync(&place, &[]);
    assert_eq!(took.code, Some(0), "edits are carried out");
    println!("a pass over {EDITS} edits, as a process: {:.0} ms, peak {} MB", ms(took.wall), took.peak_mb);
    sandbox.stop().await;
}

fn place(samba: &Samba, base_url: &str) -> Place {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("dirsyncd.toml");
    write_private(&dir.path().join("password"), PASSWORD);
    write_private(&dir.path().join("token"), "sandbox-token");
    let text = format!(
        "[[source]]\nname = \"bench\"\nkind = \"ldap\"\nurls = [\"{}\"]\nca_file = \"{}\"\nbind = \"{ADMIN}\"\n\
         password_file = \"password\"\nbases = [\"OU=Corp,{SUFFIX}\"]\nchanges = \"dirsync\"\n\
         [cloud]\nbase_url = \"{base_url}\"\ntoken_file = \"token\"\n[people]\ndialect = \"active_directory\"\n\
         [state]\ndir = \"state\"\n[log]\nfiles = false\nlevel = \"warn\"\n",
        samba.url(),
        samba.ca_file().display(),
    );
    std::fs::write(&config, text).expect("writing the configuration");
    Place { dir, config }
}

/// People as a personnel system makes them.
fn load(conf: &Path, size: usize) {
    let mut ldif = String::with_capacity(size * 640);
    for n in 0..size {
        let _ = write!(
            ldif,
            "dn: {dn}\nobjectClass: user\nsAMAccountName: p{n}\nuserPrincipalName: p{n}@{DOMAIN}\n\
             givenName: Given{n}\nsn: Family{n}\ndisplayName: Given{n} Family{n}\nmail: p{n}@example.com\n\
             title: Clerk {t}\ndepartment: D{d}\ntelephoneNumber: +49 30 {n:07}\nmobile: +49 170 {n:07}\n\
             streetAddress: Long Street {s}\nl: Berlin\npostalCode: 10115\nuserAccountControl: 544\n\n",
            dn = dn(n),
            t = n % 97,
            d = n % 211,
            s = n % 499,
        );
    }
    let file = conf.with_file_name("people.ldif");
    std::fs::write(&file, ldif).expect("writing the people");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/scale/load.py");
    // The interpreter that Samba's modules are installed for.
    run(Command::new("/usr/bin/python3").arg(script).arg(conf).arg(file));
}

fn dn(n: usize) -> String {
    format!("CN=Given{n} Family{n},OU=Sales,OU=Corp,{SUFFIX}")
}

fn edit(samba: &Samba, size: usize) {
    let mut ldif = String::new();
    for n in 0..EDITS {
        let dn = dn(n * (size / EDITS).max(1));
        let _ = write!(ldif, "dn: {dn}\nchangetype: modify\nreplace: title\ntitle: Changed {n}\n-\n\n");
    }
    samba.modify(&ldif);
}

/// Connects, binds and reads one entry: what no question can do without.
fn ldapsearch(samba: &Samba, place: &Place) {
    let status = Command::new("ldapsearch")
        .env("LDAPTLS_CACERT", samba.ca_file())
        .args(["-x", "-LLL", "-H", &samba.url(), "-D", ADMIN, "-w", PASSWORD])
        .args(["-b", "", "-s", "base", "1.1"])
        .current_dir(place.dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("ldapsearch is installed");
    assert!(status.success(), "ldapsearch is answered");
}
