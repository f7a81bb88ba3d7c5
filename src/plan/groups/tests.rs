//! Every case of a group, the end of one that left, and many members.

use super::*;

const NOW: i64 = 1_000_000;

fn anchor() -> SourceId {
    SourceId::new([7; 16])
}

fn members(range: std::ops::Range<usize>) -> Vec<Member> {
    range
        .map(|n| Member { id: CloudId::new(format!("c{n:04}")), email: format!("p{n}@example.com") })
        .collect()
}

fn link(name: &str, left: Option<i64>) -> GroupLink {
    GroupLink {
        anchor: anchor(),
        cloud_id: CloudId::new("g1"),
        name: name.into(),
        dn: "cn=a,dc=test".into(),
        origin: Origin::Created,
        open: true,
        left,
    }
}

fn there(name: &str, external_id: Option<&str>) -> GroupSeen {
    let external_id = external_id.map(str::to_owned);
    GroupSeen::There(CloudGroup { id: CloudId::new("g1"), name: name.into(), external_id })
}

fn case(wish: GroupWish, link: Option<GroupLink>, seen: GroupSeen) -> GroupCase {
    GroupCase {
        anchor: anchor(),
        dn: "cn=a,dc=test".into(),
        wish,
        link,
        seen,
        join: members(0..2),
        leave: members(8..9),
        leavers: Vec::new(),
        drifted: false,
        known: Vec::new(),
    }
}

fn said(decision: &GroupDecision) -> Vec<String> {
    let one = |action: &Action| {
        let (members, values): (Vec<&Change>, Vec<&Change>) =
            action.changes.iter().partition(|change| matches!(change.field, Attr::Member(_)));
        let values: Vec<String> = values.iter().map(|change| format!(" {}", change.field)).collect();
        let out = members.iter().filter(|change| change.expels()).count();
        format!("{}{} +{} -{out} ({:?})", action.kind, values.concat(), members.len() - out, action.cause)
    };
    decision.actions.iter().map(one).collect()
}

#[test]
fn every_case_of_a_group_that_should_be() {
    let present = || GroupWish::Present("Sales".into());
    let ours = anchor().to_string();
    for (link, seen, want) in [
        (None, GroupSeen::Missing, &["group_create display_name external_id +2 -0 (NewRecord)"][..]),
        (
            None,
            there("Sales", Some(&ours)),
            &[
                "group_update +0 -0 (SameAnchor)",
                "group_update +2 -0 (Desired)",
                "group_update +0 -1 (Desired)",
            ],
        ),
        (
            None,
            there("sales", None),
            &[
                "group_update external_id display_name +0 -0 (SameName)",
                "group_update +2 -0 (Desired)",
                "group_update +0 -1 (Desired)",
            ],
        ),
        (
            Some(link("Sales", None)),
            GroupSeen::AsLinked,
            &["group_update +2 -0 (Desired)", "group_update +0 -1 (Desired)"],
        ),
        (
            Some(link("Buying", None)),
            GroupSeen::AsLinked,
            &[
                "group_update display_name +0 -0 (Desired)",
                "group_update +2 -0 (Desired)",
                "group_update +0 -1 (Desired)",
            ],
        ),
        (
            Some(link("Sales", None)),
            there("Renamed", None),
            &[
                "group_update display_name external_id +0 -0 (Drift)",
                "group_update +2 -0 (Desired)",
                "group_update +0 -1 (Desired)",
            ],
        ),
        (
            Some(link("Sales", None)),
            GroupSeen::Missing,
            &["group_create display_name external_id +2 -0 (GroupLost)"],
        ),
    ] {
        let decision =
            decide_group(case(present(), link.clone(), seen.clone()), GroupRules::default(), true, NOW);
        assert_eq!(said(&decision), want, "{link:?} {seen:?}");
        assert!(decision.link.is_some_and(|link| !link.open && link.left.is_none()));
    }
}

#[test]
fn a_group_that_left_is_deleted_when_its_time_is_over_and_absence_is_proved() {
    let rules = |after| GroupRules { delete_after: after, ..GroupRules::default() };
    for (left, after, may_remove, want, kept) in [
        (None, None, true, None, Some(KEPT)),
        (None, Some(10), true, None, Some(WAITS)),
        (None, Some(0), true, Some("group_delete +0 -0 (RecordGone)"), None),
        (Some(NOW - 9), Some(10), true, None, Some(WAITS)),
        (Some(NOW - 10), Some(10), true, Some("group_delete +0 -0 (RecordGone)"), None),
        (Some(NOW - 10), Some(10), false, None, Some(WAITS)),
        (None, Some(0), false, None, Some(UNPROVED)),
    ] {
        let case = case(GroupWish::Gone(Cause::RecordGone), Some(link("Sales", left)), GroupSeen::AsLinked);
        let decision = decide_group(case, rules(after), may_remove, NOW);
        assert_eq!(said(&decision).first().map(String::as_str), want, "{left:?} {after:?} {may_remove}");
        assert_eq!(decision.kept, kept);
    }
    let lost = case(GroupWish::Gone(Cause::NotChosen), Some(link("Sales", None)), GroupSeen::Missing);
    assert_eq!(decide_group(lost, rules(None), true, NOW), GroupDecision::default());
}

#[test]
fn many_members_go_in_chunks() {
    let mut many = case(GroupWish::Present("All".into()), None, GroupSeen::Missing);
    many.join = members(0..1_201);
    let decision = decide_group(many, GroupRules::default(), true, NOW);
    assert_eq!(
        said(&decision),
        [
            "group_create display_name external_id +500 -0 (NewRecord)",
            "group_update +500 -0 (NewRecord)",
            "group_update +201 -0 (NewRecord)"
        ]
    );
}
