//! Runs, intents, held plans and lists.

use super::*;
use crate::model::{Rank, Unserved, Withheld};

#[test]
fn an_intent_is_open_until_settled_and_then_history() {
    block_on(async {
        let store = Store::in_memory();
        let run = store.begin_run(new_run()).await.unwrap();
        let intents = store.intend(run, "p1", 10, (0..5).map(action)).await.unwrap();
        assert!(intents.is_sorted());
        let open = store.reader().open_intents().unwrap();
        assert_eq!(open.iter().map(|intent| intent.id).collect::<Vec<_>>(), intents);
        assert_eq!((&open[3].action, &*open[3].plan, open[3].begun), (&action(3), "p1", 10));

        let failed = Outcome::Failed { code: "rejected".into(), message: "No.".into() };
        let partly = Outcome::Partly { message: "One licence was not given.".into() };
        let outcomes = [Outcome::Succeeded, failed, Outcome::Unknown, partly];
        let settle = |(intent, outcome): (&IntentId, &Outcome)| Settlement {
            intent: *intent,
            outcome: outcome.clone(),
            row: None,
        };
        store.settle(20, intents.iter().zip(&outcomes).map(settle).collect()).await.unwrap();

        let reader = store.reader();
        assert_eq!(reader.open_intents().unwrap().len(), 1);
        assert_eq!(reader.unconfirmed_intents().unwrap()[0].id, intents[2]);
        let history = reader.history(&HistoryFilter::default()).unwrap();
        let newest_first: Vec<Outcome> = history.iter().map(|entry| entry.outcome.clone()).collect();
        assert_eq!(newest_first, outcomes.iter().rev().cloned().collect::<Vec<_>>());
        assert_eq!((history[0].run, history[0].time, &history[0].action), (run, 20, &action(3)));

        store.settle(30, vec![settle((&intents[2], &Outcome::Succeeded))]).await.unwrap();
        assert!(reader.unconfirmed_intents().unwrap().is_empty());

        let unknown = vec![settle((&IntentId(999), &Outcome::Succeeded))];
        assert!(store.settle(30, unknown).await.is_err());
    });
}

#[test]
fn history_is_filtered() {
    block_on(async {
        let store = Store::in_memory();
        let mut runs = Vec::new();
        for time in [10, 20, 30] {
            let run = store.begin_run(new_run()).await.unwrap();
            let mut deactivation = action(2);
            deactivation.kind = Kind::Deactivate;
            let intents = store.intend(run, "p", time, vec![action(1), deactivation]).await.unwrap();
            let settle = |intent| Settlement { intent, outcome: Outcome::Succeeded, row: None };
            store.settle(time, intents.into_iter().map(settle).collect()).await.unwrap();
            runs.push(run);
        }
        let all = HistoryFilter::default;
        let cases = [
            (6, all()),
            (2, HistoryFilter { run: Some(runs[1]), ..all() }),
            (3, HistoryFilter { anchor: Some(anchor(1)), ..all() }),
            (3, HistoryFilter { email: Some(email(2).key()), ..all() }),
            (6, HistoryFilter { anchor: Some(anchor(1)), email: Some(email(2).key()), ..all() }),
            (4, HistoryFilter { since: Some(20), ..all() }),
            (2, HistoryFilter { until: Some(20), ..all() }),
            (3, HistoryFilter { kind: Some(Kind::Deactivate), ..all() }),
            (1, HistoryFilter { kind: Some(Kind::Update), since: Some(11), until: Some(21), ..all() }),
            (5, HistoryFilter { limit: Some(5), ..all() }),
            (0, HistoryFilter { anchor: Some(anchor(3)), ..all() }),
        ];
        for (expected, filter) in cases {
            assert_eq!(store.reader().history(&filter).unwrap().len(), expected, "{filter:?}");
        }
    });
}

#[test]
fn runs_end_and_are_listed_newest_first() {
    block_on(async {
        let store = Store::in_memory();
        let first = store.begin_run(new_run()).await.unwrap();
        let second = store.begin_run(new_run()).await.unwrap();
        assert!(second > first);
        store.end_run(first, 200, "ok".into(), serde_json::json!({"create": 3})).await.unwrap();
        let runs = store.reader().runs(10).unwrap();
        assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), [second, first]);
        assert_eq!((runs[1].ended, runs[1].outcome.as_deref()), (Some(200), Some("ok")));
        assert_eq!(runs[1].counts["create"], 3);
        assert_eq!((runs[0].ended, runs[0].counts.is_null()), (None, true));
        assert_eq!(store.reader().run(first).unwrap().as_ref(), Some(&runs[1]));
        assert_eq!(store.reader().runs(1).unwrap().len(), 1);
    });
}

fn held(id: &str, n: u64) -> HeldPlan {
    HeldPlan {
        id: id.into(),
        run: RunId(1),
        generation: 7,
        created: 50,
        decision: None,
        findings: serde_json::json!([{"code": "too_many_deletes"}]),
        actions: vec![action(n)],
    }
}

#[test]
fn a_held_plan_is_decided_once() {
    block_on(async {
        let store = Store::in_memory();
        let decision = || store.reader().held_plan("a").unwrap().unwrap().decision;
        let decide = |decision| store.decide_held("a", decision, 60);
        assert!(!decide(Decision::Approved).await.unwrap(), "there is none");
        store.hold(held("a", 1)).await.unwrap();
        assert_eq!(store.reader().held().unwrap(), [held("a", 1)]);
        assert!(!decide(Decision::Done).await.unwrap(), "not before it is approved");
        assert!(decide(Decision::Approved).await.unwrap());
        assert!(!decide(Decision::Approved).await.unwrap(), "twice changes nothing");

        store.hold(HeldPlan { created: 70, ..held("a", 1) }).await.unwrap();
        assert_eq!(decision(), Some(Decision::Approved), "the same actions stay approved");
        store.hold(held("a", 2)).await.unwrap();
        assert_eq!(decision(), None, "other actions were not approved");

        assert!(decide(Decision::Approved).await.unwrap());
        assert!(decide(Decision::Done).await.unwrap());
        assert!(store.reader().held().unwrap().is_empty());
        assert!(!decide(Decision::Rejected).await.unwrap(), "done is done");
        store.hold(held("a", 2)).await.unwrap();
        assert_eq!(decision(), None, "held again after it was done, it waits again");
        assert!(decide(Decision::Rejected).await.unwrap());
        assert!(!decide(Decision::Approved).await.unwrap(), "rejected stays rejected");
    });
}

#[test]
fn pruning_forgets_what_is_over_and_nothing_else() {
    block_on(async {
        let store = Store::in_memory();
        let old = store.begin_run(NewRun { started: 1, ..new_run() }).await.unwrap();
        let intents = store.intend(old, "p", 1, (0..4).map(action)).await.unwrap();
        let settle =
            |intent: &IntentId| Settlement { intent: *intent, outcome: Outcome::Succeeded, row: None };
        store.settle(2, intents[..3].iter().map(settle).collect()).await.unwrap();
        store.hold(held("open", 1)).await.unwrap();
        store.hold(held("rejected", 1)).await.unwrap();
        store.decide_held("rejected", Decision::Rejected, 3).await.unwrap();
        let gone = store.begin_run(NewRun { started: 1, ..new_run() }).await.unwrap();
        store.begin_run(NewRun { started: 1, ..new_run() }).await.unwrap();

        store.prune(10).await.unwrap();
        let reader = store.reader();
        assert!(reader.history(&HistoryFilter::default()).unwrap().is_empty());
        assert_eq!(reader.open_intents().unwrap().len(), 1, "what is open stays");
        assert!(reader.run(old).unwrap().is_some(), "its run too");
        assert!(reader.run(gone).unwrap().is_none());
        assert_eq!(reader.held().unwrap(), [held("open", 1)]);

        store.settle(2, vec![settle(&intents[3])]).await.unwrap();
        store.prune(10).await.unwrap();
        let next = store.intend(old, "p", 1, vec![action(9)]).await.unwrap();
        assert!(next[0] > intents[3], "an id is never given twice");
    });
}

#[test]
fn lists_are_replaced() {
    block_on(async {
        let store = Store::in_memory();
        let withheld = |n: u64| Withheld {
            anchor: Some(anchor(n)),
            dn: dn(n),
            code: "no_email".into(),
            reason: "The record has no address.".into(),
            remedy: "Fill in the attribute mail.".into(),
        };
        let waiting = |n: u64| Waiting {
            email: email(n),
            license: LicenseId::new("meetings"),
            rank: Rank {
                behind: false,
                rule: 3 - n as u16,
                order: [n as u8].into(),
                since: n as i64,
                created: i64::MAX,
                anchor: anchor(n),
            },
            rule: "staff".into(),
            reason: Unserved::RefusedByCloud,
            refused: 2,
        };
        let day = |day, demand| {
            let days = SeatDay { day, total: 5, consumed: 4, demand, waiting: 1 };
            (LicenseId::new("meetings"), days)
        };
        for people in [vec![1, 2], vec![2, 3], vec![]] {
            let expected: Vec<Withheld> = people.iter().map(|n| withheld(*n)).collect();
            store.set_withheld(RunId(1), expected.clone()).await.unwrap();
            assert_eq!(store.reader().withheld().unwrap(), expected);
            let mut expected: Vec<Waiting> = people.iter().map(|n| waiting(*n)).collect();
            store.set_queue(expected.clone(), vec![day(7, people.len() as u64)]).await.unwrap();
            // In the order in which they are served.
            expected.reverse();
            assert_eq!(store.reader().waiting().unwrap(), expected);
        }
        store.set_queue(vec![], vec![day(9, 3)]).await.unwrap();
        let days = |since| store.reader().seat_days(since).unwrap().remove(&LicenseId::new("meetings"));
        assert_eq!(days(0).unwrap(), [day(7, 0).1, day(9, 3).1]);
        store.prune(9 * 86_400 - 1).await.unwrap();
        assert_eq!(days(0).unwrap().len(), 1, "the day that ended");
        assert_eq!(days(10), None);
    });
}

#[test]
fn facts_are_kept_and_the_generation_is_the_stores_own() {
    block_on(async {
        let store = Store::in_memory();
        assert_eq!(store.reader().meta().unwrap(), Meta::default());
        store.change_rows(vec![link(1)]).await.unwrap();
        let mut meta = Meta { rules: print(1), managed: u64::MAX, generation: 99, ..Meta::default() };
        meta.sources
            .insert("ad".into(), SourceMeta { identity: "x".into(), people: 3, ..Default::default() });
        meta.extra.insert("cursor".into(), "abc".into());
        meta.organization = Some("org".into());
        meta.last_observation = Some(5);
        store.set_meta(meta.clone()).await.unwrap();
        assert_eq!(store.reader().meta().unwrap(), Meta { generation: 1, ..meta });
        store.change_rows(Vec::new()).await.unwrap();
        assert_eq!(store.reader().meta().unwrap().generation, 1, "nothing changed");
        store.change_rows(vec![RowChange::Forget(anchor(1))]).await.unwrap();
        assert_eq!(store.reader().meta().unwrap().generation, 2);
    });
}

#[test]
fn a_person_is_found_by_everything_an_admin_may_type() {
    block_on(async {
        let store = Store::in_memory();
        store.change_rows((0..20).map(link).collect()).await.unwrap();
        let found = |text: &str| store.reader().find_person(text).unwrap();
        let anchor = anchor(3).to_string().to_uppercase();
        for text in [&anchor, "P3@Example.com", " p3@example.com ", "cloud-3", "CN=p3, DC=example,DC=com"] {
            assert_eq!(found(text), Some(row(3)), "{text}");
        }
        for text in ["", "p99@example.com", "CLOUD-3", "3"] {
            assert_eq!(found(text), None, "{text}");
        }
    });
}
