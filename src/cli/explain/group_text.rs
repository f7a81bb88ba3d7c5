//! The way of a group for people: the answer, the members, the group in the cloud, and what a pass would
//! do.

use std::io::{self, Write};

use crate::model::{Catalogue, Kind, Origin};
use crate::report::text::{self, Style, printable};

use super::super::status::instant;
use super::group::{GroupStory, Member};

/// Of a long list so many are shown.
const SHOWN: usize = 20;

/// The answer in a few sentences.
pub(super) fn sentences(story: &GroupStory) -> Vec<String> {
    if !story.candidates.is_empty() {
        return vec![format!("\"{}\" can mean {} groups.", story.asked, story.candidates.len())];
    }
    let Some(group) = &story.group else {
        return vec![
            format!("No group of the directory is known as \"{}\" any more.", story.asked),
            outlook(story),
        ];
    };
    let name = &group.name;
    let mut said = vec![match &group.cloud {
        None => format!("The group \"{name}\" is not chosen for the cloud: nothing in [groups] means it."),
        Some(cloud) if cloud.is_empty() => {
            format!("The group \"{name}\" is chosen for the cloud, but groups.name makes no name of it.")
        }
        Some(cloud) => format!("The group \"{name}\" is to be in the cloud as \"{cloud}\"."),
    }];
    if group.cloud.is_some() {
        let (inside, members) = (story.inside.len() as u64, story.members());
        said.push(match (members, members - inside) {
            (0, _) => "Nobody is in it.".into(),
            (1, 0) => "Its only member is to be in it.".into(),
            (_, 0) => format!("All of its {members} members are to be in it."),
            (1, _) => "Its only member is left out.".into(),
            (_, out) if inside == 0 => format!("All of its {out} members are left out."),
            (_, out) => {
                let are = |count| if count == 1 { "one is".to_owned() } else { format!("{count} are") };
                format!("Of its {members} members {} to be in it, and {} left out.", are(inside), are(out))
            }
        });
    }
    said.push(match &story.link {
        Some(_) => "The group is there, and it is ours.".into(),
        None if group.cloud.is_some() => "We have no group in the cloud for it yet.".into(),
        None => String::new(),
    });
    said.push(outlook(story));
    said.retain(|sentence| !sentence.is_empty());
    said
}

fn outlook(story: &GroupStory) -> String {
    let Some(outlook) = &story.outlook else {
        return match (&story.cloud_trouble, &story.group) {
            (Some(_), _) => "What a pass would do is not known, as the cloud did not answer.".into(),
            (None, _) if !story.gaps.is_empty() => {
                "What a pass would do is not known, as the directory was not read completely.".into()
            }
            _ => "A pass does nothing about it.".into(),
        };
    };
    if let Some(withheld) = outlook.withheld.first() {
        return format!("It is withheld: {}.", withheld.reason.trim_end_matches('.'));
    }
    let (held, flowing): (Vec<_>, Vec<_>) = outlook.actions.iter().partition(|done| done.held_by.is_some());
    let words = |actions: &[&super::story::Done]| {
        let mut words: Vec<String> = Vec::new();
        let count = |to: bool| {
            let changes = actions.iter().flat_map(|done| &done.action.changes);
            let members = changes.filter(|change| matches!(change.field, crate::model::Attr::Member(_)));
            members.filter(|change| change.to.is_some() == to).count()
        };
        for (kind, what) in [(Kind::GroupCreate, "create the group"), (Kind::GroupDelete, "delete the group")]
        {
            if actions.iter().any(|done| done.action.kind == kind) {
                words.push(what.into());
            }
        }
        let many = |count: usize| if count == 1 { "1 member".to_owned() } else { format!("{count} members") };
        for (count, what) in [(count(true), "add"), (count(false), "remove")] {
            if count > 0 {
                words.push(format!("{what} {}", many(count)));
            }
        }
        if words.is_empty() {
            words.push("change the group".into());
        }
        words.join(", and ")
    };
    let mut said = Vec::new();
    if !flowing.is_empty() {
        said.push(format!("A pass would now {}.", words(&flowing)));
    }
    if !held.is_empty() {
        said.push(format!("The guard would hold this until it is approved: {}.", words(&held)));
    }
    said.extend(outlook.kept.iter().map(|why| format!("It stays as it is: {why}.")));
    if said.is_empty() {
        said.push("A pass would do nothing about it.".into());
    }
    said.join(" ")
}

/// Writes the story.
pub(super) fn write(out: &mut dyn Write, style: Style, story: &GroupStory) -> io::Result<()> {
    writeln!(out, "{}", style.bold(&printable(&sentences(story).join(" "))))?;
    for gap in &story.gaps {
        writeln!(out, "{}", style.red(&format!("! {}", printable(gap))))?;
    }
    if let Some(failure) = &story.cloud_trouble {
        writeln!(out, "{}", style.red(&format!("! {}", printable(&failure.what))))?;
        writeln!(out, "  what to do: {}", printable(&failure.remedy))?;
    }
    if !story.candidates.is_empty() {
        writeln!(out, "Say which, by DN:")?;
        return story.candidates.iter().try_for_each(|dn| writeln!(out, "  {}", printable(dn)));
    }
    if let Some(group) = &story.group {
        text::heading(out, style, "Group")?;
        writeln!(out, "  {}", printable(&group.dn))?;
        writeln!(out, "  anchor {}, read just now", group.anchor)?;
        let (people, groups) = group.direct;
        let listed = if people == 1 { "1 member".to_owned() } else { format!("{people} members") };
        let groups = if groups == 1 { "a group".to_owned() } else { format!("{groups} groups") };
        writeln!(out, "  {listed} and {groups} in its own list")?;
        for dn in group.nested.iter().take(SHOWN) {
            writeln!(out, "  through {}", printable(dn))?;
        }
        more(out, group.nested.len())?;
        members(out, style, story)?;
    }
    if let Some(link) = &story.link {
        text::heading(out, style, "Group in the cloud")?;
        let way = match link.origin {
            Origin::Created => "created by us",
            Origin::Adopted => "taken over by us",
        };
        writeln!(out, "  \"{}\", linked to {}, {way}", printable(&link.name), link.cloud_id)?;
        let ours = if story.ours == 1 { "1 member".to_owned() } else { format!("{} members", story.ours) };
        writeln!(out, "  {ours}, added by us")?;
        if let Some(left) = link.left.and_then(instant) {
            writeln!(out, "  not in the directory, or not chosen, since {left}")?;
        }
    }
    if let Some(outlook) = &story.outlook {
        text::heading(out, style, "What a pass would do now")?;
        for done in &outlook.actions {
            text::action(out, style, &Catalogue::default(), &done.action, done.held_by.as_deref())?;
        }
        text::withheld(out, style, &outlook.withheld)?;
        outlook.kept.iter().try_for_each(|why| writeln!(out, "  left as is: {why}"))?;
        if outlook.actions.is_empty() && outlook.withheld.is_empty() && outlook.kept.is_empty() {
            writeln!(out, "  nothing")?;
        }
        text::findings(out, style, &outlook.findings)?;
    }
    Ok(())
}

fn members(out: &mut dyn Write, style: Style, story: &GroupStory) -> io::Result<()> {
    if !story.inside.is_empty() {
        text::heading(out, style, &format!("To be in: {}", story.inside.len()))?;
        for member in story.inside.iter().take(SHOWN) {
            writeln!(out, "  {:<40} {}", member.email, standing(story, member))?;
        }
        more(out, story.inside.len())?;
    }
    if !story.left_out.is_empty() || story.unknown > 0 {
        text::heading(out, style, &format!("Left out: {}", story.left_out.len() as u64 + story.unknown))?;
        for (dn, why) in story.left_out.iter().take(SHOWN) {
            writeln!(out, "  {}", printable(dn))?;
            writeln!(out, "    {}", printable(why))?;
        }
        more(out, story.left_out.len())?;
        if story.unknown > 0 {
            writeln!(
                out,
                "  {} not read as people: outside the bases, kept out by person_filter, machines, contacts or gone",
                story.unknown
            )?;
        }
    }
    Ok(())
}

fn standing(story: &GroupStory, member: &Member) -> &'static str {
    match (member.linked, member.ours, &story.link) {
        (_, true, _) => "is a member, by us",
        (true, false, Some(_)) => "has an account, and is not a member by us yet",
        (true, false, None) => "has an account",
        (false, false, _) => "has no account yet; comes with it",
    }
}

fn more(out: &mut dyn Write, all: usize) -> io::Result<()> {
    match all.checked_sub(SHOWN) {
        Some(more) if more > 0 => writeln!(out, "  ... and {more} more (--json)"),
        _ => Ok(()),
    }
}
