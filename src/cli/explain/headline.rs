//! The answer in a few sentences, as one would say it on the phone.

use crate::model::{Action, Attr, Cause, Key, Kind, LinkState, RecordKind, Wanted, Withheld};

use crate::plan::lines::NO_LINE;

use super::contact;
use super::story::{Done, Outlook, Story};

/// Who it is: a name and an address, as far as they are known.
pub(super) fn who(story: &Story) -> String {
    let told = story.told.as_ref();
    let mapped = |field: Option<crate::model::Field>| {
        let value = told?.mapping.iter().find(|mapped| mapped.field == field)?;
        value.value.as_ref().ok()?.clone()
    };
    let row = story.row.as_ref();
    let display = Some(crate::model::Field::DisplayName);
    let name = mapped(display)
        .or_else(|| row?.applied.profile.get(&crate::model::Field::DisplayName).cloned())
        .or_else(|| story.account.as_ref()?.profile.get(&crate::model::Field::DisplayName).cloned())
        .or_else(|| contact::known(story)?.profile.get(&crate::model::Field::DisplayName).cloned());
    let email = mapped(None)
        .or_else(|| Some(row?.applied.email.as_str().to_owned()))
        .or_else(|| Some(story.account.as_ref()?.email.as_ref()?.as_str().to_owned()))
        .or_else(|| Some(contact::known(story)?.email.as_ref()?.as_str().to_owned()));
    match (name, email) {
        (Some(name), Some(email)) => format!("{name} ({email})"),
        (Some(name), None) => name,
        (None, Some(email)) => email,
        (None, None) => {
            let dn = story.record().map(|met| met.record.dn.clone());
            dn.or_else(|| row.map(|row| row.dn.clone())).unwrap_or_else(|| format!("\"{}\"", story.asked))
        }
    }
}

/// The sentences.
pub(super) fn sentences(story: &Story) -> Vec<String> {
    let who = who(story);
    if !story.candidates.is_empty() {
        let count = story.candidates.len();
        let people = story.candidates.iter().all(|one| one.kind == RecordKind::Person);
        let what = if people { "people" } else { "entries" };
        return vec![format!("\"{}\" can mean {count} {what}.", story.asked)];
    }
    if story.is_nobody() {
        let cloud = match &story.cloud_trouble {
            Some(_) => "and the cloud did not answer",
            None if story.has_contacts => "nor in the cloud",
            // While contacts are off nobody says that we may read those of the cloud.
            None => "nor among the accounts in the cloud",
        };
        return vec![match story.gaps.is_empty() {
            true if story.no_group => {
                format!(
                    "Neither a person nor a group is known as {who} in the directory as it is searched, {cloud}."
                )
            }
            true => format!("Nobody is known as {who}: neither in the directory as it is searched, {cloud}."),
            false => format!("Nobody was found as {who}, but the directory was not read completely."),
        }];
    }
    if let Some(switch) = story.off() {
        return switched_off(story, &who, switch);
    }
    let mut said = vec![standing(story, &who)];
    said.extend(if story.is_contact() { contact::there(story) } else { account(story) });
    said.extend(parts(story));
    said.push(pass(story));
    said
}

/// A room or a contact while its switch is off: nothing else matters.
fn switched_off(story: &Story, who: &str, switch: &str) -> Vec<String> {
    let (what, of) = if switch == "rooms.sync" { ("room", "account") } else { ("contact", "contact") };
    let off = format!("{what}s are not synchronized ({switch} is off)");
    let linked = story.row.is_some() || story.contact.is_some();
    let first = match (story.record(), story.gaps.is_empty()) {
        (Some(_), _) => format!("{who} is a {what}, and {off}."),
        (None, true) => {
            format!(
                "{who} is a {what} that is no longer in the directory, as far as it is searched, and {off}."
            )
        }
        (None, false) => format!(
            "{who} is a {what} that was not found, but the directory was not read completely; and {off}."
        ),
    };
    let then = match linked {
        true => format!(
            "The {of} in the cloud stays as it is, whatever becomes of the {what} in the directory and in the cloud, \
             until {switch} is on again."
        ),
        false => "A pass does nothing about it.".into(),
    };
    vec![first, then]
}

/// What directory and rules say.
fn standing(story: &Story, who: &str) -> String {
    let Some(told) = &story.told else {
        return match (&story.row, story.unusable.first()) {
            (_, Some((_, entry))) => {
                format!("The entry \"{}\" in the directory cannot be used: {}.", entry.dn, entry.reason)
            }
            (Some(_), None) if !story.gaps.is_empty() => {
                format!(
                    "{who} was not found, but the directory was not read completely: that proves nothing."
                )
            }
            (Some(_), None) => format!("{who} is no longer in the directory, as far as it is searched."),
            (None, None) if story.contact.is_some() && !story.gaps.is_empty() => format!(
                "The contact {who} was not found, but the directory was not read completely: that proves nothing."
            ),
            (None, None) if story.contact.is_some() => {
                format!("{who} is a contact that is no longer in the directory, as far as it is searched.")
            }
            (None, None) if story.is_contact() => {
                format!(
                    "{who} is a contact in the cloud that is not ours, and that no record of the directory claims."
                )
            }
            (None, None) => {
                format!("{who} is an account in the cloud that no record of the directory claims.")
            }
        };
    };
    if let [first, second, ..] = story.met.as_slice()
        && Key::dn(&first.record.dn) != Key::dn(&second.record.dn)
    {
        return format!(
            "{who} is withheld: the entries \"{}\" and \"{}\" have the same anchor.",
            first.record.dn, second.record.dn
        );
    }
    let (parts, whole): (Vec<&Withheld>, Vec<&Withheld>) =
        story.outlook.iter().flat_map(|outlook| &outlook.withheld).partition(|one| one.is_part());
    if let Some(withheld) = whole.first() {
        return format!("{who} is withheld: {}.", withheld.reason.trim_end_matches('.'));
    }
    if told.section == "contacts" {
        return contact::standing(story, told, who);
    }
    match &told.verdict.wanted {
        Wanted::Present(_) => match parts.first() {
            Some(part) => {
                format!(
                    "{who} belongs in the cloud, though not all of it: {}.",
                    part.reason.trim_end_matches('.')
                )
            }
            None => format!("{who} belongs in the cloud."),
        },
        Wanted::Withheld(withheld) => {
            format!("{who} is withheld: {}.", withheld.reason.trim_end_matches('.'))
        }
        Wanted::Leaving(Cause::Disabled) if story.record().is_some_and(|met| !met.record.disabled) => {
            format!("{who} does not belong in the cloud: the account has expired in the directory.")
        }
        Wanted::Leaving(Cause::Disabled) => {
            format!("{who} does not belong in the cloud: the account is disabled in the directory.")
        }
        Wanted::Leaving(_) => match story.record().map(|met| met.record.kind) {
            Some(RecordKind::Group) => format!("{who} is a group, and never a person in the cloud."),
            Some(RecordKind::Room) if told.off => {
                format!("{who} is a room now, and rooms are not synchronized (rooms.sync is off).")
            }
            Some(RecordKind::Other) => format!("{who} is no person."),
            Some(RecordKind::Person | RecordKind::Room | RecordKind::Contact) | None => {
                let against = told.scope.iter().filter(|answer| !answer.applies);
                let clauses: Vec<String> =
                    against.map(|answer| format!("{} ({})", answer.reason, answer.rule)).collect();
                format!("{who} does not belong in the cloud, out of scope: {}.", clauses.join(", and "))
            }
        },
    }
}

/// What else of somebody who goes on is withheld, besides the first.
fn parts(story: &Story) -> Vec<String> {
    let withheld = story.outlook.iter().flat_map(|outlook| &outlook.withheld);
    withheld
        .filter(|one| one.is_part())
        .skip(1)
        .map(|one| {
            let reason = one.reason.trim_end_matches('.');
            let mut letters = reason.chars();
            let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            format!("{first}{}.", letters.as_str())
        })
        .collect()
}

/// What is in the cloud.
fn account(story: &Story) -> Option<String> {
    let outlook = story.outlook.as_ref();
    let login = |active: bool| if active { "may log in" } else { "may not log in" };
    if let Some(row) = &story.row {
        let left = matches!(row.state, LinkState::Left { .. });
        return Some(match (outlook, story.seen()) {
            (_, Some(seen)) if left => {
                format!("The account of this leaver is there and {}.", login(seen.active))
            }
            (_, Some(seen)) => format!("The account is there and {}.", login(seen.active)),
            (Some(outlook), None) if outlook.is_missing() => "The account is no longer in the cloud.".into(),
            _ => "There is an account; the cloud was not asked about it.".into(),
        });
    }
    match (story.seen(), outlook) {
        (Some(_), _) if story.is_carried() => {
            Some("An account under another address carries the anchor, and is not linked.".into())
        }
        (Some(seen), _) if !seen.kind.is_person() && !story.has_rooms => {
            Some("It is a room, and neither reported nor touched: rooms.sync is off.".into())
        }
        (Some(seen), _) if story.account.is_some() => {
            Some(format!("It {}, and is a stray: reported, and never touched.", login(seen.active)))
        }
        (Some(_), _) => Some("An account that is not linked yet is there.".into()),
        (None, Some(outlook)) if outlook.is_missing() => Some("There is no account yet.".into()),
        _ => None,
    }
}

/// What a pass would do.
fn pass(story: &Story) -> String {
    let Some(outlook) = &story.outlook else {
        return match &story.cloud_trouble {
            None if story.is_carried() => {
                "A pass that lists the whole cloud recognises it, and takes it over.".into()
            }
            Some(_) => "What a pass would do is not known, as the cloud did not answer.".into(),
            None => "A pass does nothing about it.".into(),
        };
    };
    let list = |held: bool| -> Vec<String> {
        let actions = outlook.actions.iter().filter(|done| done.held_by.is_some() == held);
        actions.map(|Done { action, .. }| words(story, action)).collect()
    };
    let mut said = Vec::new();
    let flowing = list(false);
    if !flowing.is_empty() {
        said.push(format!("A pass would now {}.", and(&flowing)));
    }
    let held = list(true);
    if !held.is_empty() {
        said.push(format!("The guard would hold this until it is approved: {}.", and(&held)));
    }
    if !outlook.waiting.is_empty() {
        let names: Vec<String> =
            outlook.waiting.iter().map(|license| story.catalogue.name(license).to_owned()).collect();
        said.push(format!("No seat is left of {}.", and(&names)));
    }
    let told = outlook.withheld.iter().any(|one| one.code == "license_not_given");
    let short = outlook.short.iter().filter(|why| !(told && **why == NO_LINE));
    said.extend(short.map(|why| format!("It stays as it is: {why}.")));
    if said.is_empty() {
        return nothing(story, outlook);
    }
    said.join(" ")
}

fn nothing(story: &Story, outlook: &Outlook) -> String {
    if let Some(later) = contact::put_right(story) {
        return format!("A pass has nothing to do yet: {later}.");
    }
    let undecided = outlook.withheld.iter().any(|one| !one.is_part())
        || story.told.as_ref().is_some_and(|told| matches!(told.verdict.wanted, Wanted::Withheld(_)));
    if undecided || !story.unusable.is_empty() {
        "A pass does nothing until that is settled.".into()
    } else if !story.gaps.is_empty() {
        "A pass does nothing while the directory is not read completely.".into()
    } else {
        match (&story.row, &story.told) {
            (Some(row), _) if matches!(row.state, LinkState::Left { .. }) => {
                "A pass has nothing to do: the leaver was deactivated already.".into()
            }
            (Some(_), Some(_)) => "A pass has nothing to do.".into(),
            (None, Some(_)) if story.contact.is_some() => "A pass has nothing to do.".into(),
            _ => "A pass does nothing about it.".into(),
        }
    }
}

/// An action in words.
fn words(story: &Story, action: &Action) -> String {
    let names = |given: bool| -> Vec<String> {
        let held = action.changes.iter().filter(|change| change.to.is_some() == given);
        held.filter_map(|change| match &change.field {
            Attr::License(id) => Some(story.catalogue.name(id).to_owned()),
            Attr::Role(id) => Some(format!("the role {}", story.role(id))),
            _ => None,
        })
        .collect()
    };
    match action.kind {
        Kind::Create => "create the account".into(),
        Kind::Adopt => "take the account over".into(),
        Kind::Update => {
            let fields: Vec<String> = action.changes.iter().map(|change| change.field.to_string()).collect();
            format!("change {}", and(&fields))
        }
        Kind::Deactivate => "deactivate the account".into(),
        Kind::Reactivate => "let the person log in again".into(),
        Kind::Delete => "delete the account".into(),
        Kind::LicenseAdd => format!("give {}", and(&names(true))),
        Kind::LicenseRemove => format!("take away {}", and(&names(false))),
        Kind::RoleChange => match (names(true), names(false)) {
            (give, take) if take.is_empty() => format!("give {}", and(&give)),
            (give, take) if give.is_empty() => format!("take away {}", and(&take)),
            (give, take) => format!("give {} and take away {}", and(&give), and(&take)),
        },
        // No action on a person.
        Kind::GroupCreate | Kind::GroupUpdate | Kind::GroupDelete => "change a group".into(),
        Kind::ContactCreate => "make the contact".into(),
        Kind::ContactDelete => "delete the contact".into(),
        Kind::ContactUpdate => {
            let fields: Vec<String> = action.changes.iter().map(|change| change.field.to_string()).collect();
            match (action.cause, fields.as_slice()) {
                (Cause::SameEmail, []) => "take the contact over".into(),
                (Cause::SameEmail, fields) => format!("take the contact over and change {}", and(fields)),
                (_, fields) => format!("change {}", and(fields)),
            }
        }
    }
}

/// `a, b and c`.
fn and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
