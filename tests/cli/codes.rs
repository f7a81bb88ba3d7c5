//! Every exit code, provoked; and what must not have happened then.

use super::rehearsal::{Rehearsal, Said, binary, people, person, private};

#[test]
fn a_pass_with_nothing_to_say_ends_with_0_and_the_next_writes_nothing() {
    let stage = Rehearsal::new(10, &people(3));
    stage.run(&["sync"]).expect(0);
    assert_eq!(stage.organization().people(), 4);
    assert_eq!(stage.organization().licenses_of("p1@example.com").unwrap(), ["Advanced Messaging"]);
    let writes = stage.writes();
    for args in [&["sync"][..], &["sync", "--full"], &["plan", "--check"]] {
        stage.run(args).expect(0);
    }
    assert_eq!(stage.writes(), writes);
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for args in [
        &["fly"][..],
        &["sync", "--dry-run"],
        &["sync", "--only", "p1@example.com", "--full"],
        &["plan", "--format", "html"],
        &["--quiet", "--verbose", "status"],
        &["demo", "--json"],
        &[],
    ] {
        Said::from(binary().args(args).output().unwrap()).expect(2);
    }
    let said = Said::from(binary().args(["history", "--action", "nope"]).output().unwrap()).expect(2);
    assert!(said.err.contains("create, adopt, update") && said.err.contains("role_change"), "{}", said.err);
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = Said::from(binary().args(["sandbox", "--port", &port]).output().unwrap()).expect(2);
    assert!(said.err.contains(&port) && said.err.contains("--port 0"), "{}", said.err);
    let stage = Rehearsal::new(10, "");
    stage.run(&["approve", "none"]).expect(2);
    stage.run(&["history", "--person", "nobody at all"]).expect(2);
}

#[test]
fn a_wrong_configuration_ends_with_3_and_names_the_place() {
    let stage = Rehearsal::new(10, &people(1));
    for (more, place) in [
        ("shoe_size = 7\n", "dirsyncd.toml:18:1"),
        ("[people.mapping]\ntitle = \"nonsense(title)\"\n", "dirsyncd.toml:19:"),
        ("[[", "dirsyncd.toml:18:"),
    ] {
        stage.configure(more);
        for command in ["check", "plan", "sync", "run"] {
            let said = stage.run(&[command]).expect(3);
            assert!(said.err.contains(place), "{command}: {}", said.err);
        }
    }
    assert_eq!(stage.writes(), 0);
    assert!(!stage.path("state").exists());
    let said =
        Said::from(binary().args(["--config", "/nowhere/x.toml", "status"]).output().unwrap()).expect(3);
    assert!(said.err.contains("/nowhere/x.toml"), "{}", said.err);
}

#[test]
fn a_directory_that_does_not_answer_ends_with_4_and_removes_nobody() {
    let stage = Rehearsal::new(10, &people(3));
    stage.run(&["sync"]).expect(0);
    let writes = stage.writes();
    std::fs::remove_file(stage.path("people.ldif")).unwrap();
    for command in ["check", "plan", "sync"] {
        let said = stage.run(&[command]).expect(4);
        let text = format!("{}{}", said.out, said.err);
        assert!(text.contains("people.ldif") && text.contains("what to do"), "{text}");
    }
    // Nobody in it: an empty answer is no proof, and no other directory either.
    stage.write("people.ldif", "version: 1\n");
    let said = stage.run(&["sync"]).expect(4);
    assert!(!said.out.contains("another directory"), "{}", said.out);
    assert_eq!(stage.writes(), writes);
    stage.write("people.ldif", &people(3));
    stage.run(&["sync"]).expect(0);
    assert_eq!(stage.writes(), writes);
}

#[cfg(unix)]
#[test]
fn a_pipe_for_a_file_is_refused_and_not_waited_for() {
    let stage = Rehearsal::new(10, "");
    std::fs::remove_file(stage.path("people.ldif")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(stage.path("people.ldif")).status().unwrap();
    assert!(made.success());
    for command in ["check", "plan", "sync"] {
        let said = stage.run(&[command]).expect(4);
        let text = format!("{}{}", said.out, said.err);
        assert!(text.contains("is a pipe or a device and not a file"), "{text}");
    }
    std::fs::remove_file(stage.path("people.ldif")).unwrap();
    std::fs::create_dir(stage.path("people.ldif")).unwrap();
    assert!(stage.run(&["plan"]).expect(4).err.contains("is a directory and not a file"));
}

#[test]
fn the_minimal_configuration_against_a_server_that_is_not_there_ends_with_4() {
    let stage = Rehearsal::new(10, "");
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config/minimal.toml");
    let text = std::fs::read_to_string(shipped).unwrap();
    let domain = "domain = \"corp.example.com\"";
    assert!(text.contains(domain));
    // Port 1 of this machine: nothing listens there.
    stage.write("dirsyncd.toml", &text.replace(domain, "urls = [\"ldaps://127.0.0.1:1\"]"));
    for secret in ["ldap-password", "webex-token"] {
        stage.write(secret, "secret");
        private(&stage.path(secret));
    }
    let state = stage.path("state");
    let said = stage.run(&["check", "--state", state.to_str().unwrap()]).expect(4);
    assert!(said.out.contains("FAIL  source corp") && said.out.contains("what to do"), "{}", said.out);
    assert!(!said.out.contains("secret"));
}

#[test]
fn a_cloud_that_refuses_or_is_not_there_ends_with_5() {
    let mut stage = Rehearsal::new(10, &people(1));
    stage.write("token", "wrong");
    for command in ["check", "plan", "sync"] {
        let said = stage.run(&[command]).expect(5);
        assert!(!format!("{}{}", said.out, said.err).contains("wrong\n"));
    }
    stage.stop_cloud();
    let said = stage.run(&["sync", "--json"]).expect(5);
    assert_eq!(said.json()["outcome"], "failed");
    assert_eq!(said.json()["error"]["exit"], 5);
    let runs = stage.run(&["history", "--json"]).expect(0).json();
    assert_eq!(runs["runs"][0]["outcome"], "failed");
}

#[test]
fn somebody_withheld_ends_with_6_and_the_others_go_on() {
    let ldif = people(2) + &person(3).replace("mail: p3@example.com\n", "");
    let stage = Rehearsal::new(10, &ldif);
    let said = stage.run(&["sync"]).expect(6);
    for word in ["no_email", "uid=p3,ou=people,dc=example,dc=com", "what to do"] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    assert_eq!(stage.organization().people(), 3);
    let log: String = std::fs::read_dir(stage.path("log"))
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(log.contains("no_email") && !log.contains("uid=p3") && !log.contains("p1@"), "{log}");
}

/// Two exports in one file, or a copied entry: with each pass following the other one, an
/// account would go from hand to hand.
#[test]
fn two_entries_with_one_anchor_are_withheld_and_nobody_gets_the_account_of_the_other() {
    let twin = |of: usize, n: usize| {
        let id = |n: usize| format!("entryUUID: 00000000-0000-4000-8000-{n:012x}");
        format!("{}\n", person(n).replace(&id(n), &id(of)))
    };
    // The copy comes after the person, and before.
    for ldif in [people(2) + &twin(2, 3), twin(2, 3) + &people(2)] {
        // Known before.
        let stage = Rehearsal::new(10, &people(2));
        stage.run(&["sync"]).expect(0);
        let writes = stage.writes();
        stage.write("people.ldif", &ldif);
        for command in ["plan", "sync", "sync"] {
            let said = stage.run(&[command]).expect(6);
            for words in ["contested", "uid=p2,", "uid=p3,", "1 withheld", "1 in order"] {
                assert!(said.out.contains(words), "{command}: {words}\n{}", said.out);
            }
        }
        assert_eq!(stage.writes(), writes);
        assert!(stage.organization().user("p2@example.com").is_some());
        stage.write("people.ldif", &people(2));
        stage.run(&["sync"]).expect(0);
        assert_eq!(stage.writes(), writes);
        // Both new.
        let stage = Rehearsal::new(10, &ldif);
        for _ in 0..2 {
            let said = stage.run(&["sync"]).expect(6);
            assert!(said.out.contains("contested"), "{}", said.out);
        }
        assert_eq!(stage.organization().people(), 2);
        // The same entry twice is one entry.
        stage.write("people.ldif", &(people(2) + &people(2)));
        stage.run(&["sync"]).expect(0);
        stage.run(&["plan", "--check"]).expect(0);
        assert_eq!(stage.organization().people(), 3);
    }
}

#[test]
fn too_many_leavers_are_held_with_7_and_approved_exactly() {
    let stage = Rehearsal::new(100, &people(20));
    stage.run(&["sync"]).expect(0);
    stage.write("people.ldif", &(people(17).replace("title: Tester", "title: Chief") + &person(21)));
    // Three of twenty go: that passes. Seven do not.
    stage.write("people.ldif", &(people(13).replace("title: Tester", "title: Chief") + &person(21)));
    stage.run(&["plan"]).expect(7);
    let said = stage.run(&["sync", "--json"]).expect(7).json();
    assert_eq!((said["counts"]["create"].as_u64(), said["counts"]["update"].as_u64()), (Some(1), Some(13)));
    assert_eq!(said["counts"]["deactivate"], 0);
    let plan = said["held_plan"].as_str().unwrap().to_owned();
    let held = stage.run(&["held", "--json"]).expect(0).json();
    assert_eq!(held["held"][0]["plan"], plan.as_str());
    assert_eq!(held["held"][0]["actions"][0]["held_by"], "too_many_deactivations", "{held}");
    assert!(
        stage.run(&["held"]).expect(0).out.contains("uid=p14")
            || !held["held"][0]["actions"].as_array().unwrap().is_empty()
    );
    stage.run(&["approve", &plan]).expect(0);
    stage.run(&["reject", "unknown"]).expect(2);
    let done = stage.run(&["sync", "--json"]).expect(0).json();
    assert_eq!(done["counts"]["deactivate"], 7);
    assert_eq!(stage.organization().user("p20@example.com").unwrap()["active"], false);
    assert_eq!(stage.organization().user("p13@example.com").unwrap()["active"], true);
    stage.run(&["approve", &plan]).expect(2);
    let writes = stage.writes();
    stage.run(&["sync"]).expect(0);
    assert_eq!(stage.writes(), writes);
}

#[test]
fn what_was_rejected_stays_undone_and_does_not_ask_again() {
    let stage = Rehearsal::new(100, &people(20));
    stage.run(&["sync"]).expect(0);
    stage.write("people.ldif", &people(10));
    let said = stage.run(&["sync", "--json"]).expect(7).json();
    stage.run(&["reject", said["held_plan"].as_str().unwrap()]).expect(0);
    stage.run(&["sync"]).expect(0);
    assert_eq!(stage.organization().user("p20@example.com").unwrap()["active"], true);
}

#[test]
fn seats_that_run_out_end_with_9() {
    let stage = Rehearsal::new(2, &people(3));
    let said = stage.run(&["plan"]).expect(9);
    assert!(said.out.contains("0 of 2 in use, 2 to be given, short by 1"), "{}", said.out);
    let said = stage.run(&["sync"]).expect(9);
    assert!(
        said.out.contains("Waiting for a seat") && said.out.contains("Advanced Messaging"),
        "{}",
        said.out
    );
    assert_eq!(stage.organization().stats().licenses["Advanced Messaging"], 2);
    let status = stage.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status["waiting"].as_array().unwrap().len(), 1);
    let seats = &status["seats"][0];
    assert_eq!((&seats["free"], &seats["demand"], &seats["short"]), (&0.into(), &3.into(), &1.into()));
    assert_eq!((&seats["waiting"], &seats["first"][0]), (&1.into(), &status["waiting"][0]));
    assert_eq!(status["waiting"][0]["reason"], "no_seat");
    let said = stage.run(&["status"]).expect(0);
    assert!(said.out.contains("; 1 waits, first p"), "{}", said.out);
    stage.organization().set_seats("Advanced Messaging", Some(3));
    stage.run(&["sync"]).expect(0);
    assert_eq!(stage.organization().stats().licenses["Advanced Messaging"], 3);
}

#[test]
fn a_plan_with_changes_ends_with_10_and_changes_nothing() {
    let stage = Rehearsal::new(10, &people(2));
    stage.run(&["plan", "--check"]).expect(10);
    assert!(!stage.path("state").exists(), "a plan leaves no trace");
    stage.run(&["sync"]).expect(0);
    stage.write("people.ldif", &people(3).replace("title: Tester", "title: Chief"));
    let (state, writes, cloud) = (stage.state(), stage.writes(), stage.organization().dump(true));
    for args in
        [&["plan"][..], &["plan", "--full"], &["plan", "--json"], &["status"], &["history"], &["check"]]
    {
        stage.run(args).expect(0);
    }
    let quiet = stage.run(&["plan", "--check", "--quiet"]).expect(10);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    assert!(!stage.run(&["plan", "--quiet", "--json"]).expect(0).out.is_empty());
    let quiet = stage.run(&["check", "--quiet"]).expect(0);
    assert!(!quiet.out.contains("ok "), "{}", quiet.out);
    let file = stage.path("plan.json");
    stage.run(&["plan", "--format", "json", "--out", file.to_str().unwrap()]).expect(0);
    let written: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(written["counts"]["update"], 2);
    assert_eq!(written["counts"]["create"], 1);
    assert!(stage.state() == state, "the state is byte for byte as it was");
    assert_eq!(stage.writes(), writes);
    assert_eq!(stage.organization().dump(true), cloud);
}

#[test]
fn an_unusable_state_ends_with_11_and_is_not_touched() {
    let stage = Rehearsal::new(10, &people(1));
    std::fs::create_dir(stage.path("state")).unwrap();
    let database = stage.path("state/dirsyncd.db");
    std::fs::write(&database, "not a database".repeat(20)).unwrap();
    for args in [&["sync"][..], &["plan"], &["status"], &["history"], &["held"], &["check"], &["run"]] {
        let said = stage.run(args).expect(11);
        assert!(format!("{}{}", said.out, said.err).contains("what to do"), "{}", said.err);
    }
    assert_eq!(std::fs::read(&database).unwrap(), "not a database".repeat(20).as_bytes());
    assert_eq!(stage.writes(), 0);
}

#[test]
fn old_news_are_a_failed_health_check() {
    let stage = Rehearsal::new(10, &people(1));
    stage.run(&["status"]).expect(0);
    stage.run(&["status", "--max-age", "1h"]).expect(6);
    stage.run(&["sync"]).expect(0);
    stage.run(&["status", "--max-age", "1h"]).expect(0);
}

#[test]
fn help_and_pages_are_there_for_every_command() {
    for command in
        ["demo", "check", "plan", "sync", "run", "status", "history", "held", "approve", "reject", "sandbox"]
    {
        let said = Said::from(binary().args([command, "--help"]).output().unwrap()).expect(0);
        assert!(said.out.contains("Usage: dirsyncd"), "{command}");
    }
    let dir = tempfile::tempdir().unwrap();
    Said::from(binary().arg("man").arg("--dir").arg(dir.path()).output().unwrap()).expect(0);
    assert!(std::fs::read_to_string(dir.path().join("dirsyncd-sync.1")).unwrap().contains("full"));
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(
            !Said::from(binary().args(["completions", shell]).output().unwrap()).expect(0).out.is_empty()
        );
    }
}

#[test]
fn the_demo_tells_its_story_the_same_every_time() {
    let demo = || Said::from(binary().args(["demo", "--people", "60"]).output().unwrap()).expect(0);
    let said = demo();
    assert_eq!(said.out, demo().out);
    for word in [
        "59 created",
        "1 created, 4 updated, 2 deactivated, 4 given licences, 3 licences taken",
        "2 waiting for a seat",
        "duplicate_email",
        "0 write requests",
        "Directory and cloud agree",
    ] {
        assert!(said.out.contains(word), "{word}\n{}", said.out);
    }
    let kept = tempfile::tempdir().unwrap();
    Said::from(
        binary().args(["demo", "--people", "40", "--seed", "3", "--keep"]).arg(kept.path()).output().unwrap(),
    )
    .expect(0);
    let config = kept.path().join("dirsyncd.toml");
    let status =
        Said::from(binary().arg("--config").arg(config).args(["status", "--json"]).output().unwrap())
            .expect(0);
    assert_eq!(status.json()["last_pass"]["run"], 3);
}
