//! What happens in the company: a reorganization, and quiet days on which some people come.

use std::collections::BTreeSet;

use super::chance::Chance;
use super::people::{Company, Phone};

/// A reorganization: people leave, come, move and are renamed; groups hold other groups.
pub(crate) fn reorganize(company: &mut Company) {
    let mut dice = company.dice();
    let there: Vec<usize> = company.people.iter().map(|person| person.n).collect();
    let mut order = dice.take(there.len(), &there).into_iter();
    let mut some = |count: usize| order.by_ref().take(count).collect::<Vec<usize>>();

    for n in some(70) {
        company.people[n].gone = true;
    }
    for n in some(45) {
        company.people[n].disabled = true;
    }
    for n in some(20) {
        company.people[n].unit = 7;
    }
    for n in some(20) {
        company.people[n].class = "contractor";
    }
    for n in some(80) {
        let person = &mut company.people[n];
        person.unit = (person.unit + 3) % 7;
    }
    for n in some(120) {
        company.people[n].title = Some((*dice.one(&["Lead Engineer", "Shift Manager", "Clerk"])).into());
    }
    for n in some(80) {
        company.people[n].grade = dice.permille(800).then(|| format!("{}", dice.below(30)));
    }
    for n in some(40) {
        company.people[n].department = Some(*dice.one(&["Legal", "Kitchen", "Sales"]));
    }
    for n in some(20) {
        company.people[n].family = format!("Bell-{n}");
    }
    for n in some(20) {
        company.people[n].phone =
            Some(Phone { style: n % 5, digits: 71_000_000 + u32::try_from(n).expect("small") });
    }
    for n in some(20) {
        company.people[n].manager = Some(n / 2);
    }
    for n in some(10) {
        company.people[n].city = None;
    }
    for (at, n) in some(15).into_iter().enumerate() {
        company.people[n].mail = (at < 10).then(|| format!("renamed{n}@example.test"));
    }
    // Addresses go from one to another, and in the end nobody is in a circle.
    let chain = some(3);
    let freed = company.people[chain[0]].mail.replace(format!("new{}@example.test", chain[0]));
    company.people[chain[1]].mail = freed;
    // Whatever was wrong is mended for some, by whoever keeps the directory.
    let mended: Vec<usize> = company
        .people
        .iter()
        .filter(|person| {
            person.mail.as_ref().is_none_or(|mail| !mail.ends_with(&format!("p{}@example.test", person.n)))
        })
        .map(|person| person.n)
        .collect();
    for n in dice.take(25, &mended) {
        company.people[n].mail = Some(format!("mended{n}@example.test"));
    }
    for person in &mut company.people {
        if person.disabled && person.n % 9 == 0 {
            person.disabled = false;
        }
    }
    regroup(company, &mut dice);
    for _ in 0..90 {
        join(company, &mut dice);
    }
    // Some come with the address of somebody who is there, or who left.
    let newcomers: Vec<usize> = (company.people.len() - 8..company.people.len()).collect();
    for n in newcomers {
        let other = dice.below(2_000);
        company.people[n].mail = company.people[other].mail.clone();
    }
}

fn regroup(company: &mut Company, dice: &mut Chance) {
    let everybody: Vec<usize> = company.people.iter().filter(|one| !one.gone).map(|one| one.n).collect();
    for (name, out, into) in [
        ("phones", 40, 50),
        ("reception", 6, 12),
        ("cc-leads", 15, 25),
        ("contact-centre", 30, 40),
        ("board", 2, 6),
        ("executives", 5, 5),
        ("blocked", 8, 12),
        ("visitors", 10, 10),
        ("helpdesk", 2, 3),
        ("auditors", 3, 2),
        ("team-01", 60, 20),
        ("team-08", 10, 80),
        ("loop-b", 10, 20),
        ("Überhang", 10, 10),
    ] {
        let at = company.group(name);
        let primary = |n: &usize| company.people[*n].primary == Some(at);
        let inside: Vec<usize> = company.groups[at].people.iter().copied().collect();
        let outside: Vec<usize> = everybody.iter().copied().filter(|n| !primary(n)).collect();
        let leave: BTreeSet<usize> =
            dice.take(out, &inside).into_iter().filter(|n| !company.people[*n].gone).collect();
        let come = dice.take(into, &outside);
        let people = &mut company.groups[at].people;
        people.retain(|n| !leave.contains(n));
        people.extend(come);
    }
    let nest = |company: &mut Company, outer: &str, inner: &str, is: bool| {
        let (outer, inner) = (company.group(outer), company.group(inner));
        let groups = &mut company.groups[outer].groups;
        let changed = if is { groups.insert(inner) } else { groups.remove(&inner) };
        assert!(changed, "it was otherwise");
    };
    nest(company, "division-2", "team-03", false);
    nest(company, "division-2", "team-05", true);
    nest(company, "phones", "team-09", false);
    nest(company, "contact-centre", "team-14", true);
    nest(company, "division-4", "Überhang", false);
    nest(company, "loop-a", "loop-b", false);
    nest(company, "helpdesk", "helpdesk-night", false);
}

/// Somebody new, in a team and sometimes in more.
fn join(company: &mut Company, dice: &mut Chance) -> usize {
    let n = company.hire(dice);
    let mut names = vec![format!("team-{:02}", 1 + dice.below(14))];
    for (name, share) in [("phones", 150), ("contact-centre", 100), ("cc-leads", 40), ("executives", 20)] {
        if dice.permille(share) {
            names.push(name.into());
        }
    }
    for name in names {
        let at = company.group(&name);
        company.groups[at].people.insert(n);
    }
    n
}

/// A day on which some people come, and one leaves now and then.
pub(crate) fn day(company: &mut Company, count: usize) {
    let mut dice = company.dice();
    for _ in 0..count {
        join(company, &mut dice);
    }
    let n = dice.below(company.people.len());
    company.people[n].disabled = true;
}
