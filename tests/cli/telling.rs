//! What an administrator is told about groups of the cloud and about collisions: `explain`, `check` and
//! `status`, as they read.

use dirsyncd::sandbox::{LicenseSpec, LocationSpec, Settings};

use super::documents::holds;
use super::explain::golden;
use super::rehearsal::Rehearsal;

fn person(uid: &str, more: &str) -> String {
    let n = uid.bytes().fold(0u64, |n, b| n * 31 + u64::from(b));
    format!(
        "dn: uid={uid},ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\n\
         entryUUID: 00000000-0000-4000-8000-{n:012x}\nuid: {uid}\ncn: {uid} Lee\nsn: Lee\n\
         mail: {uid}@example.com\n{more}\n"
    )
}

fn group(name: &str, more: &str, members: &[&str]) -> String {
    let n = name.bytes().chain(more.bytes()).fold(0u64, |n, b| (n * 31 + u64::from(b)) & 0xffff_ffff);
    let members: String = members
        .iter()
        .map(|member| match member.contains('=') {
            true => format!("member: {member}\n"),
            false => format!("member: uid={member},ou=people,dc=example,dc=com\n"),
        })
        .collect();
    format!(
        "dn: cn={name},ou=groups{more},dc=example,dc=com\nobjectClass: groupOfNames\n\
         entryUUID: 00000000-0000-4000-9000-{n:012x}\ncn: {name}\n{members}\n"
    )
}

fn configure(stage: &Rehearsal, rules: &str) {
    stage.write(
        "dirsyncd.toml",
        &format!(
            "[[source]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"people.ldif\"\n\
             [cloud]\nbase_url = \"{}\"\ntoken_file = \"token\"\ntimeout = \"5s\"\n\
             [people]\ndialect = \"inet_org_person\"\n{rules}[state]\ndir = \"state\"\n[log]\nfiles = false\n",
            stage.base_url()
        ),
    );
}

fn masked(stage: &Rehearsal, text: &str) -> String {
    let text = text.replace(&stage.dir.path().display().to_string(), "DIR");
    let text = text.replace(&stage.base_url(), "http://CLOUD");
    let words = text.split(' ').map(|word| {
        let bytes = word.as_bytes();
        let is_time = bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T' && word.contains('Z');
        if is_time { format!("TIME{}", &word[20..]) } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn explains(stage: &Rehearsal, name: &str, asked: &str, code: i32) {
    let writes = stage.writes();
    let said = stage.run(&["explain", asked]).expect(code);
    assert_eq!(stage.writes(), writes, "{name} wrote to the cloud");
    golden(name, &masked(stage, &said.out));
}

const GROUPS: &str = "[people.scope]\nfilter = \"(!(title=Out))\"\n\
    [groups]\nsync = [\"Flight Crew\", \"cn=Sales,ou=groups,dc=example,dc=com\", \"Hollow\"]\n";

#[test]
fn a_group_is_explained_from_the_directory_to_the_cloud() {
    let company = [
        person("ann", ""),
        person("bob", ""),
        person("cyd", "title: Out\n"),
        person("dee", "").replace("mail: dee@example.com\n", ""),
        person("gil", "").replace("mail: gil@", "mail: hal@"),
        person("hal", ""),
        group("Flight Crew", "", &["ann", "cyd", "dee", "nobody", "cn=Pilots,ou=groups,dc=example,dc=com"]),
        group("Pilots", "", &["bob", "ann", "gil"]),
        group("Sales", "", &["bob"]),
        group("Sales", ",ou=old", &["ann"]),
        group("Hollow", "", &["cyd"]),
    ]
    .concat();
    let stage = Rehearsal::new(5, &company);
    configure(&stage, GROUPS);
    explains(&stage, "group-new", "Flight Crew", 0);
    explains(&stage, "group-several", "sales", 2);
    explains(&stage, "group-of-a-newcomer", "bob@example.com", 0);
    let said = stage.run(&["check"]).expect(0);
    assert!(said.out.contains("3 groups of the directory are chosen for the cloud"), "{}", said.out);
    assert!(said.out.contains("groups, and they can be read"), "{}", said.out);
    stage.run(&["sync"]).expect(6);
    explains(&stage, "group-in-order", "cn=flight crew,ou=groups,dc=example,dc=com", 0);
    explains(&stage, "group-of-a-member", "bob@example.com", 0);
    explains(&stage, "group-empty", "Hollow", 0);
    explains(&stage, "group-not-chosen", "Pilots", 0);
    let said = stage.run(&["explain", "--json", "Flight Crew"]).expect(0).json();
    holds("explain-group", &said);
    assert_eq!((said["members"].as_array().unwrap().len(), &said["not_read"]), (2, &1.into()), "{said}");
    let id = said["link"]["cloud_id"].as_str().unwrap().to_owned();
    let by_id = stage.run(&["explain", "--json", &id]).expect(0).json();
    assert_eq!(by_id["group"], said["group"]);
    holds("explain-group", &stage.run(&["explain", "--json", "sales"]).expect(2).json());
    let status = stage.run(&["status", "--json"]).json();
    assert_eq!(status["groups"], serde_json::json!({ "linked": 3, "members": 3, "withheld": 0 }), "{status}");
    let text = stage.run(&["status"]).out;
    assert!(text.contains("Groups      3 linked, with 3 members"), "{text}");
    // Somebody leaves the group, and two chosen ones would have one name.
    stage.write("people.ldif", &company.replace("cn=Pilots,ou=groups,dc=example,dc=com\n\n", "uid=zed\n\n"));
    explains(&stage, "group-loses-a-member", "Flight Crew", 0);
    configure(
        &stage,
        &GROUPS.replace("cn=Sales,ou=groups,dc=example,dc=com", "Sales").replace("Hollow", "Hallow"),
    );
    explains(&stage, "group-two-of-one-name", "cn=Sales,ou=groups,ou=old,dc=example,dc=com", 0);
    let said = stage.run(&["check"]).expect(3);
    assert!(said.out.contains("\"Sales\" in groups.sync means 2 groups"), "{}", said.out);
    assert!(
        said.out.contains("groups.sync names \"Hallow\"") && said.out.contains("did you mean \"Hollow\"?")
    );
    stage.run(&["sync"]).expect(6);
    let status = stage.run(&["status", "--json"]).json();
    assert_eq!(status["groups"]["withheld"], 3, "{status}");
    explains(&stage, "group-no-longer-chosen", "Hollow", 0);
    // A typing error reads everything and finds nothing.
    let said = stage.run(&["explain", "Fligth Crew"]).expect(2);
    assert!(said.out.contains("Neither a person nor a group is known as \"Fligth Crew\""), "{}", said.out);
}

const COLLIDING: &str = "[people.mapping]\nemail_alias_1 = \"roomNumber\"\n\
    [[entitlement]]\nname = \"calls\"\nlicenses = [\"calling.professional\"]\nlocation = \"Leeds\"\n\
    extension = \"pager\"\n";

#[test]
fn whoever_shares_something_hears_of_everybody_else() {
    let settings = Settings {
        licenses: vec![LicenseSpec::paid("Webex Calling", "BCSTD", 9, "Sub1")],
        locations: vec![LocationSpec::new("Leeds", "Leeds", "GB", "Europe/London", "8")],
        sites: Vec::new(),
        ..Settings::default()
    };
    let stage = Rehearsal::with(
        settings,
        &[person("ann", "roomNumber: team@example.com\npager: 2001\n"), person("bob", "pager: 2002\n")]
            .concat(),
    );
    configure(&stage, COLLIDING);
    stage.run(&["sync"]).expect(0);
    let company = [
        person("ann", "roomNumber: team@example.com\npager: 2001\n"),
        person("bob", "pager: 2002\n"),
        person("cyd", "pager: 2001\n"),
        person("dee", "pager: 2003\nroomNumber: team@example.com\n"),
        person("eve", "pager: 2003\n").replace("mail: eve@", "mail: team@"),
        person("fay", "roomNumber: new@example.com\n"),
        person("gus", "roomNumber: new@example.com\n"),
        person("ian", "pager: 2005\n"),
        person("joe", "pager: 2005\n"),
    ]
    .concat();
    stage.write("people.ldif", &company);
    explains(&stage, "extension-in-use", "cyd@example.com", 0);
    explains(&stage, "extension-claimed-twice", "ian@example.com", 0);
    explains(&stage, "alternate-address-of-another", "dee@example.com", 0);
    explains(&stage, "address-beside-another", "team@example.com", 0);
    explains(&stage, "alternate-address-claimed-twice", "fay@example.com", 0);
    holds("explain", &stage.run(&["explain", "--json", "fay@example.com"]).expect(0).json());
    let synced = stage.run(&["sync", "--json"]).expect(6).json();
    assert_eq!(synced["counts"]["failed"], 0, "nothing is asked that the cloud refuses: {synced}");
}

/// The manager is set in a second step, which a plan cannot show: it counts whom that will concern.
#[test]
fn a_plan_counts_whose_manager_comes_first() {
    let reports =
        |uid: &str, to: &str| person(uid, &format!("manager: uid={to},ou=people,dc=example,dc=com\n"));
    let before = [person("ada", ""), reports("bob", "ada"), reports("cy", "new"), reports("dan", "dan")];
    let stage = Rehearsal::new(10, &before.concat());
    stage.rules("[people.mapping]\nmanager = \"manager\"\n");
    // Each time: those who wait for their manager, and those who have none, before and after.
    let pass = |later: u64, missing: u64, updates: u64| {
        let planned = stage.run(&["plan", "--json"]).expect(0).json();
        assert_eq!(planned["counts"]["manager_later"], later, "{planned}");
        assert_eq!(planned["counts"]["manager_missing"], missing, "{planned}");
        let told = stage.run(&["plan"]).expect(0).out;
        let words = format!("{later} to get their manager once that one is there");
        assert_eq!(told.contains(&words), later > 0, "{told}");
        let done = stage.run(&["sync", "--json"]).expect(0).json();
        assert_eq!(done["counts"]["update"], updates, "{done}");
        assert_eq!(done["counts"]["manager_later"], 0, "{done}");
    };
    pass(1, 1, 1);
    // Cy is not read anew when the manager comes; Eve comes together with the same one.
    stage.write("people.ldif", &[before.concat(), person("new", ""), reports("eve", "new")].concat());
    pass(2, 0, 2);
    pass(0, 0, 0);
}

/// Why somebody lacks what a rule gives, or keeps what none gives, also when it is no question of seats.
#[test]
fn a_licence_that_is_not_given_has_a_reason() {
    let licenses = vec![
        LicenseSpec::paid("Advanced Messaging", "MS", 9, "Sub1"),
        LicenseSpec::free("Hybrid - Google Calendar", "CG"),
        LicenseSpec::free("Hybrid - Exchange Calendar", "CE"),
    ];
    let stage = Rehearsal::licensed(licenses, &person("ada", "title: Chief\n"));
    let rule = |name: &str, license: &str| {
        format!("[[entitlement]]\nname = \"{name}\"\nlicenses = [\"{license}\"]\n")
    };
    let rules = |mode: &str, more: &str| {
        let all = [
            rule("google", "Hybrid - Google Calendar"),
            rule("exchange", "Hybrid - Exchange Calendar"),
            rule("all", "Advanced Messaging"),
        ];
        let policy = "[people.policy]\ncreate_only = [\"title\"]\n";
        stage.rules(&format!("{policy}[entitlements]\nmode = \"{mode}\"\n{more}{}", all.concat()));
    };
    let said = |words: &[&str]| {
        let text = stage.run(&["explain", "ada@example.com"]).expect(0).out;
        for words in words {
            assert!(text.contains(words), "{words}\n{text}");
        }
        stage.run(&["explain", "ada@example.com", "--json"]).expect(0).json()
    };
    rules("union", "");
    let json = said(&[
        "not given: Hybrid - Exchange Calendar, of rule \"exchange\": \"google\" gives \"Hybrid - Google Calendar\"",
        "title                  \"Chief\" from title; written only when the account is created",
    ]);
    assert_eq!(json["not_given"][0]["rule"], "exchange", "{json}");
    stage.run(&["sync"]).expect(0);
    rules("first_match", "grace = \"14d\"\n");
    let json = said(&[
        "no  all, for Advanced Messaging: for everybody, but only the first rule counts (first_match), \"google\"",
        "kept for a while: Advanced Messaging, which no rule gives any more, until 20",
    ]);
    assert_eq!(json["pass"]["kept"][0]["name"], "Advanced Messaging", "{json}");
}
