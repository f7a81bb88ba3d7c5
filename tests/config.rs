//! The configuration as an administrator meets it: the shipped files, the schema, and what is
//! said about mistakes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dirsyncd::config::{Config, ConfigErrors, Overrides, SourceConfig, schema};
use dirsyncd::guard::{Limit, Limits};
use dirsyncd::plan::Leavers;
use dirsyncd::rules::{self, Rules};
use serde_json::Value;

fn offline() -> Overrides {
    Overrides { state_dir: None, offline: true }
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(Path::new("/etc/dirsyncd/dirsyncd.toml"), text.to_owned(), &offline())
}

/// What a test adds to, that the rest be valid.
const VALID: &str = r#"
[[source]]
name = "corp"
kind = "ldif"
path = "people.ldif"
[cloud]
token_env = "TOKEN"
"#;

#[test]
fn the_shipped_files_are_valid() {
    for name in ["dirsyncd.toml", "minimal.toml"] {
        if let Err(errors) = Config::load(&shipped(name), &offline()) {
            panic!("{errors}");
        }
    }
    let minimal = std::fs::read_to_string(shipped("minimal.toml")).unwrap();
    assert!(minimal.lines().count() <= 20);
}

#[test]
fn the_tests_in_the_documented_file_pass() {
    let config = Config::load(&shipped("dirsyncd.toml"), &offline()).unwrap();
    let rules = Rules::compile(&config.rules).unwrap();
    let trials = rules::trials(&config.trials, &rules).unwrap();
    assert_eq!(trials.len(), 2);
    let rules = rules.rehearsed(&config.rules);
    for trial in trials {
        assert_eq!(trial.run(&rules), [], "{}", trial.name);
    }
}

#[test]
fn the_tests_in_the_manual_pass() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/RULES.md");
    let page = std::fs::read_to_string(page).unwrap();
    let block = page.split("```toml tests\n").nth(1).unwrap().split("```").next().unwrap();
    let config = parse(&format!("{VALID}{block}")).unwrap_or_else(|errors| panic!("{errors}"));
    let rules = Rules::compile(&config.rules).unwrap();
    let trials = rules::trials(&config.trials, &rules).unwrap();
    assert_eq!(trials.len(), 5);
    let rules = rules.rehearsed(&config.rules);
    for trial in trials {
        assert_eq!(trial.run(&rules), [], "{}", trial.name);
    }
}

/// After a change of `src/config/raw.rs`: `DIRSYNCD_BLESS=1 cargo test --test config`.
#[test]
fn the_shipped_schema_is_that_of_the_types() {
    let generated = format!("{}\n", serde_json::to_string_pretty(&schema::schema()).unwrap());
    let path = shipped("dirsyncd.schema.json");
    if std::env::var_os("DIRSYNCD_BLESS").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let shipped = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(shipped == generated, "write it anew: DIRSYNCD_BLESS=1 cargo test --test config");
}

/// All keys of the schema below one section, as `people.scope.bases`.
fn keys(root: &Value, schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let schema = schema::resolve(root, schema);
    let schema = schema.get("items").map_or(schema, |items| schema::resolve(root, items));
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        assert!(
            property.get("description").or(schema::resolve(root, property).get("description")).is_some(),
            "{key} has no description"
        );
        keys(root, property, &key, found);
        found.insert(key);
    }
}

#[test]
fn every_key_stands_in_the_documented_file() {
    let root = schema::schema();
    let mut wanted = BTreeSet::new();
    keys(&root, &root, "", &mut wanted);
    let text = std::fs::read_to_string(shipped("dirsyncd.toml")).unwrap();
    let mut section = String::new();
    let mut shown = BTreeSet::new();
    for line in text.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if line.starts_with('[') && line.ends_with(']') {
            section = line.trim_matches(['[', ']']).to_owned();
            shown.insert(section.clone());
        } else if let Some((name, _)) = line.split_once(" = ") {
            shown.insert(format!("{section}.{name}"));
        }
    }
    let missing: Vec<_> = wanted.difference(&shown).collect();
    assert!(missing.is_empty(), "not in config/dirsyncd.toml: {missing:?}");
}

/// Keys that are commented out must be right too, once the comment sign is gone.
#[test]
fn what_is_commented_out_in_the_documented_file_can_be_used() {
    let text = std::fs::read_to_string(shipped("dirsyncd.toml")).unwrap();
    let mut section = String::new();
    let known = {
        let root = schema::schema();
        let mut found = BTreeSet::new();
        keys(&root, &root, "", &mut found);
        found
    };
    let mut tried = 0;
    for (i, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
        }
        let Some((name, _)) = line.strip_prefix("# ").and_then(|line| line.split_once(" = ")) else {
            continue;
        };
        if name.contains(' ') || name.contains('.') {
            continue; // A sentence.
        }
        assert!(known.contains(&format!("{section}.{name}")), "line {}: {line}", i + 1);
        // It takes the place of the other ways to say the same.
        let others = [
            ("domain", "urls"),
            ("site", "urls"),
            ("nameservers", "urls"),
            ("password_", "password_file"),
            ("token_", "token_file"),
        ];
        let rival =
            others.iter().find(|(key, _)| name.starts_with(key)).map(|(_, rival)| format!("{rival} = "));
        // And brings along what it means nothing without.
        let companion = match name {
            "site" | "nameservers" => Some("# domain = "),
            "client_cert_file" => Some("# client_key_file = "),
            "client_key_file" => Some("# client_cert_file = "),
            _ => None,
        };
        let changed: Vec<&str> = text
            .lines()
            .enumerate()
            .map(|(j, other)| match &rival {
                _ if i == j => &line[2..],
                _ if companion.is_some_and(|companion| other.starts_with(companion)) => &other[2..],
                Some(rival) if other.starts_with(rival) => "",
                _ => other,
            })
            .collect();
        tried += 1;
        if let Err(errors) = parse(&changed.join("\n")) {
            panic!("{line}\n{errors}");
        }
    }
    assert!(tried > 40);
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    let documented = Config::load(&shipped("dirsyncd.toml"), &offline()).unwrap();
    let empty = parse(VALID).unwrap();
    assert_eq!(documented.guard, Limits::default());
    assert_eq!(empty.guard, Limits::default());
    assert_eq!(documented.leavers, Leavers::default());
    assert_eq!(empty.leavers, Leavers::default());
    assert_eq!(documented.log, empty.log);
    assert_eq!(documented.state_dir, empty.state_dir);
    assert_eq!(documented.keep_history, Some(Duration::from_secs(400 * 86_400)));
    assert_eq!(documented.keep_history, empty.keep_history);
    assert_eq!(documented.schedule.to_string(), empty.schedule.to_string());
    assert_eq!(documented.observe_every, empty.observe_every);
    assert_eq!(documented.adopt, empty.adopt);
    assert_eq!(documented.rules.dialect, empty.rules.dialect);
    assert!(documented.rules.defaults && empty.rules.defaults);
    let cloud = |config: &Config| {
        let webex = &config.cloud;
        (webex.base_url.clone(), webex.timeout, webex.concurrency, webex.max_throttle, webex.page_size)
    };
    assert_eq!(cloud(&documented), cloud(&empty));
    let minimal = Config::load(&shipped("minimal.toml"), &offline()).unwrap();
    let ldap = |config: &Config| match &config.sources[0] {
        SourceConfig::Ldap(ldap) => (
            ldap.start_tls,
            ldap.danger_plain_ldap,
            ldap.page_size,
            ldap.connect_timeout,
            ldap.operation_timeout,
        ),
        SourceConfig::Ldif { .. } => panic!("not LDAP"),
    };
    assert_eq!(ldap(&documented), ldap(&minimal));
}

#[test]
fn what_is_written_arrives() {
    let text = r#"
        [[source]]
        name = "corp"
        kind = "ldap"
        domain = "corp.example.com"
        bind = "svc"
        password_env = "P"
        [[source]]
        name = "file"
        kind = "ldif"
        path = "people.ldif"
        [cloud]
        token_env = "T"
        base_url = "http://127.0.0.1:8080/"
        [people]
        adopt = true
        dialect = "inet_org_person"
        [people.mapping]
        defaults = false
        email = "mail"
        title = "title"
        phone_work = ""
        [guard]
        protected = ["Root@example.com"]
        [guard.delete]
        count = 7
        [leavers]
        delete_after = "30d"
        [state]
        dir = "state"
        keep_history = "forever"
        [log]
        files = false
    "#;
    let config = parse(text).unwrap();
    match &config.sources[..] {
        [SourceConfig::Ldap(ldap), SourceConfig::Ldif { name, path }] => {
            assert_eq!(ldap.domain.as_deref(), Some("corp.example.com"));
            assert!(ldap.urls.is_empty());
            assert_eq!((name.as_str(), path.as_path()), ("file", Path::new("/etc/dirsyncd/people.ldif")));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(config.cloud.base_url, "http://127.0.0.1:8080");
    assert!(config.adopt && !config.rules.defaults);
    assert_eq!(config.rules.email.as_deref(), Some("mail"));
    let mapping: Vec<_> =
        config.rules.mapping.iter().map(|(field, text)| (field.name(), text.as_str())).collect();
    assert_eq!(mapping, [("title", "title"), ("phone_work", "")]);
    assert_eq!(config.protected, ["root@example.com".parse().unwrap()]);
    assert_eq!(config.guard.delete, Limit { count: 7, ..Limits::default().delete });
    assert_eq!(config.guard.deactivate, Limits::default().deactivate);
    assert_eq!(config.leavers.delete_after, Some(30 * 86_400));
    assert_eq!(config.state_dir, Path::new("/etc/dirsyncd/state"));
    assert_eq!(config.keep_history, None);
    assert_eq!(config.log.dir, None);

    let overrides = Overrides { state_dir: Some("/tmp/state".into()), offline: true };
    let config = Config::parse(Path::new("x.toml"), VALID.to_owned(), &overrides).unwrap();
    assert_eq!(config.state_dir, Path::new("/tmp/state"));
}

#[test]
fn secrets_are_fetched_unless_offline() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("token");
    std::fs::write(&secret, "s3cret\n").unwrap();
    dirsyncd::service::restrict_permissions(&secret).unwrap();
    let path = dir.path().join("dirsyncd.toml");
    std::fs::write(&path, VALID.replace("token_env = \"TOKEN\"", "token_file = \"token\"")).unwrap();
    let config = Config::load(&path, &Overrides::default()).unwrap();
    assert_eq!(config.cloud.token.0, "s3cret");
    assert!(!format!("{config:?}").contains("s3cret"));
    assert_eq!(Config::load(&path, &offline()).unwrap().cloud.token.0, "");
}

#[test]
fn places_of_rules_are_found() {
    let config = parse(&format!(
        "{VALID}[people.mapping]\ntitle = 'upper(title'\n[[entitlement]]\nname = \"a\"\nlicenses = [\"x\"]\n\
         [[entitlement]]\nname = \"b\"\nlicenses = [\"x\"]\nwhen = \"a \\\" b\"\n"
    ))
    .unwrap();
    let at = |place: &str, offset| {
        let location = config.locate(place, offset);
        (location.line, location.column)
    };
    assert_eq!(at("people.mapping.title", None), (9, 9));
    assert_eq!(at("people.mapping.title", Some(5)), (9, 15));
    assert_eq!(at("entitlement[1].when", Some(4)), (16, 14));
    // From the dialect's defaults: the section that would hold it.
    assert_eq!(at("people.mapping.city", Some(3)), (8, 9));
    assert_eq!(at("entitlement[0].when", None), (10, 1));
    assert_eq!(at("nowhere", None), (1, 1));
    let error = config.error("people.mapping.title", Some(5), "a closing bracket is missing", "add it");
    assert_eq!(
        error.to_string(),
        "error: a closing bracket is missing\n --> /etc/dirsyncd/dirsyncd.toml:9:15\n  |\n9 | title = 'upper(title'\n  |               ^\n  = add it"
    );
}

/// What is added to `VALID`. What is said about it is in tests/golden/config_mistakes.txt.
const MISTAKES: &[&str] = &[
    "x = 1",
    "x = ",
    "x = 'a",
    "[people]\nadopt = yes",
    "[people]\nadopt = true\nadopt = false",
    "[peple]\nadopt = true",
    "[people.mapping]\ncity_name = \"l\"\ntitel = \"title\"",
    "[people.policy]\ncreate_only = [\"titel\"]\nkeep_if_set_in_cloud = [\"title\"]\nonly = []",
    "[people.scope]\nbase = [\"dc=example\"]\ngroups = \"staff\"",
    "[people]\ndialect = \"openldap\"\nadopt = \"yes\"",
    "[people.scope]\nbases = [\"dc=example\", 3, \"people\"]\ngroups = [\"\"]",
    "[people]\nallowed_domains = [\"@example.com\", \"example.com\"]",
    "[leavers]\ndelete_after = \"30 days\"",
    "[leavers]\ndelete_after = 30",
    "[leavers]\ndeactivate = false\ndelete_after = \"30d\"",
    "[guard]\nprotected = [\"root@example.com\", \"root\"]\nmin_census_percent = 120",
    "[guard.delete]\npercent = -1\ncounts = 3",
    "[schedule]\nsync = \"0 25 * * *\"\nobserve_every = \"0s\"",
    "[schedule]\nsync = \"15m\"\ntimezone = \"UTC\"",
    "[[role]]\nname = \"a\"\nrole = \"full\"\n[[role]]\nname = \"a\"",
    "[[entitlement]]\nname = \"a\"\nlicenses = []",
    "[entitlement]\nname = \"a\"",
    "[[test]]\nname = \"a\"\nrecord = \"mail: x\"\nexpct = \"in\"\nlicences = [\"x\"]",
    "[[test]]\nname = \"a\"\nexpect = \"outside\"\ngroups = [\"\"]",
    "[log]\nlevel = \"warning\"\nkeep_files = 0",
    "[status]\nlisten = \"127.0.0.1:80\"",
    "[cloud]\ntoken_env = \"A\"",
];

/// Mistakes of whole files.
const FILES: &[&str] = &[
    "",
    "[cloud]\ntoken_env = \"T\"",
    "source = []\n[cloud]\n",
    "[[source]]\nkind = \"ldap\"\n[cloud]\n",
    "[[source]]\nname = \"a\"\nkind = \"ldap\"\n[cloud]\ntoken_env = \"T\"\ntoken_file = \"t\"",
    "[[source]]\nname = \"a\"\nkind = \"ldap\"\nurl = [\"ldaps://x\"]\npassword = \"hunter2\"\nbind = \"x\"\n[cloud]\ntoken = \"hunter2\"",
    "[[source]]\nname = \"a\"\nkind = \"ldap\"\nurls = [\"ldap://dc1\", \"dc2\", \"https://dc3\", \"ldaps://u:hunter2@dc4\", \"ldaps://dc5/dc=x\"]\n[cloud]\ntoken_env = \"T\"\nbase_url = \"http://webex.example.com\"",
    "[[source]]\nname = \"a\"\nkind = \"ldap\"\ndomain = \"corp\"\nperson_filter = \"(mail=*\"\npage_size = 0\nconnect_timeout = \"10\"\nbind = \"x\"\n[cloud]\ntoken_env = \"T\"\nbase_url = \"webexapis.com\"",
    "[[source]]\nname = \"a\"\nkind = \"ldif\"\nfile = \"a\"\nid_attribute = \"entryUUID\"\n[cloud]\ntoken_env = \"T\"",
    "[[source]]\nname = \"a\"\nkind = \"ldif\"\npath = \"a\"\nbind = \"x\"\npage_sise = 3\nbases = [\"dc=x\"]\n[[source]]\nname = \"a\"\nkind = \"ldif\"\n[cloud]\ntoken_env = \"T\"",
    "[[source]]\nname = \"a\"\nkind = \"ldap\"\nurls = [\"ldaps://x\"]\nsite = \"s\"\nnameservers = [\"dns\"]\npin_sha256 = [\"abc\"]\nclient_key_file = \"k\"\nauth = \"external\"\nbind = \"x\"\n[cloud]\ntoken_env = \"T\"",
    "[[source]]\nname = \"a\"\nkind = \"ldap\"\nurls = [\"ldaps://x\"]\nauth = \"kerberos\"\n[cloud]\ntoken_env = \"T\"",
    "[[source]]\nname = \"b\"\nkind = \"ldap\"\nurls = [\"ldaps://x\"]\nauth = \"gssapi\"\npassword_env = \"P\"\n[[source]]\nname = \"c\"\nkind = \"ldap\"\nurls = [\"ldaps://x\"]\nauth = \"external\"\n[cloud]\ntoken_env = \"T\"",
    "[[source]]\nname = \"a\"\nkind = \"csv\"\n[cloud]\ntoken_env = \"T\"",
    "password = hunter2",
];

/// After a change of what is said: `DIRSYNCD_BLESS=1 cargo test --test config`, and read the
/// difference as an administrator would.
#[test]
fn mistakes_are_explained() {
    let mut said = String::new();
    let added = MISTAKES.iter().map(|text| (*text, format!("{VALID}{text}\n")));
    for (shown, text) in added.chain(FILES.iter().map(|text| (*text, (*text).to_owned()))) {
        let errors = parse(&text).expect_err(&text);
        assert!(!errors.to_string().contains("hunter2"), "{errors}");
        let shown = shown.replace("hunter2", "SECRET");
        said.push_str(&format!("=========\n{shown}\n---------\n{errors}\n\n"));
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/config_mistakes.txt");
    if std::env::var_os("DIRSYNCD_BLESS").is_some() {
        std::fs::write(&golden, &said).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default().replace("\r\n", "\n");
    let differs = said.lines().zip(expected.lines()).find(|(said, expected)| said != expected);
    assert!(said == expected, "first difference: {differs:#?}");
}

#[test]
fn every_mistake_in_a_file_is_found_at_once() {
    let errors = parse(
        "[[source]]\nname = \"a\"\nkind = \"ldap\"\nurls = [\"ldap://dc1\"]\npage_sise = 3\n[cloud]\n\
         token_env = \"T\"\ntimeout = 30\n[schedule]\nsync = \"0 25 * * *\"\n[guard]\nprotected = [\"x\"]\n",
    )
    .unwrap_err();
    let places: Vec<_> = errors
        .errors()
        .iter()
        .map(|error| (error.key.as_str(), error.location.line, error.location.column))
        .collect();
    assert_eq!(
        places,
        [
            ("source[0].urls[0]", 4, 9),
            ("source[0].page_sise", 5, 1),
            ("cloud.timeout", 8, 11),
            ("schedule.sync", 10, 8),
            ("guard.protected[0]", 12, 14),
        ]
    );
}

#[test]
fn missing_files_and_secrets_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dirsyncd.toml");
    let load = || Config::load(&path, &Overrides::default()).unwrap_err().to_string();
    assert!(load().contains("cannot be read") && load().contains("config/minimal.toml"), "{}", load());

    std::fs::write(&path, b"\xef\xbb\xbf# caf\xe9\n").unwrap();
    assert!(load().contains("not text in UTF-8") && load().contains(":1:7"), "{}", load());

    let text = VALID.replace("token_env = \"TOKEN\"", "token_file = \"token\"\nca_file = \"ca.pem\"");
    std::fs::write(&path, text).unwrap();
    assert!(load().contains(":7:14") && load().contains("create it"), "{}", load());
    assert!(load().contains(":8:11") && load().contains("ca.pem cannot be read"), "{}", load());

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let token = dir.path().join("token");
        std::fs::write(&token, "hunter2").unwrap();
        std::fs::set_permissions(&token, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(load().contains(":7:14") && load().contains("run: chmod 600"), "{}", load());
        assert!(!load().contains("hunter2"));
    }
    let text = VALID.replace("TOKEN", "DIRSYNCD_TEST_NOT_SET");
    std::fs::write(&path, text).unwrap();
    assert!(load().contains(":7:13") && load().contains("is not set"), "{}", load());
}

#[test]
fn files_from_windows_are_read() {
    let config =
        parse(&format!("\u{feff}{VALID}[people.mapping]\ntitle = \"é\"\n").replace('\n', "\r\n")).unwrap();
    let location = config.locate("people.mapping.title", Some(2));
    assert_eq!((location.line, location.column), (9, 11));
}

#[test]
fn no_damage_to_a_file_makes_us_panic() {
    let text = std::fs::read_to_string(shipped("dirsyncd.toml")).unwrap();
    for end in (0..text.len()).step_by(41) {
        let _ = parse(&text[..end]).map_err(|errors| errors.to_string());
    }
    let wrong = [
        "",
        "7",
        "-1",
        "1e9",
        "true",
        "[]",
        "[[]]",
        "{}",
        "{ a = [{}] }",
        "\"\"",
        "\"\\u0000é\"",
        "1979-05-27",
        "0xffffffffffffffffff",
    ];
    let lines: Vec<&str> = text.lines().collect();
    for (i, line) in lines.iter().enumerate() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let Some((name, _)) = bare.split_once(" = ") else { continue };
        for wrong in wrong {
            let changed = format!("{name} = {wrong}");
            let mut lines = lines.clone();
            lines[i] = &changed;
            let _ = parse(&lines.join("\n")).map_err(|errors| errors.to_string());
        }
    }
}
