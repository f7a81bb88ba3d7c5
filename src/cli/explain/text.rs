//! The story for people: first the answer, then everything that leads to it.

use std::io::{self, Write};

use crate::model::{LicenseId, LinkState, Origin, Wanted};
use crate::plan::Match;
use crate::report::text::{self, Style, printable};
use crate::rules::Answer;
use crate::store::Decision;

use super::super::kept::date;
use super::super::status::instant;
use super::contact;
use super::headline;
use super::story::Story;

/// Writes the story.
pub(super) fn write(out: &mut dyn Write, style: Style, story: &Story) -> io::Result<()> {
    let said = headline::sentences(story).join(" ");
    writeln!(out, "{}", style.bold(&printable(&said)))?;
    trouble(out, style, story)?;
    if !story.candidates.is_empty() {
        return candidates(out, style, story);
    }
    if story.is_nobody() {
        return searched(out, style, story);
    }
    record(out, style, story)?;
    judged(out, style, story)?;
    account(out, style, story)?;
    contact::write(out, style, story)?;
    cloud_groups(out, style, story)?;
    outlook(out, style, story)
}

fn trouble(out: &mut dyn Write, style: Style, story: &Story) -> io::Result<()> {
    for gap in &story.gaps {
        writeln!(out, "{}", style.red(&format!("! {}", printable(gap))))?;
    }
    if let Some(failure) = &story.cloud_trouble {
        writeln!(out, "{}", style.red(&format!("! {}", printable(&failure.what))))?;
        writeln!(out, "  what to do: {}", printable(&failure.remedy))?;
    }
    Ok(())
}

fn candidates(out: &mut dyn Write, style: Style, story: &Story) -> io::Result<()> {
    writeln!(out, "Say which, by DN or anchor:")?;
    for one in &story.candidates {
        let why = if one.reason.is_empty() { String::new() } else { format!(": {}", one.reason) };
        writeln!(out, "\n  {}", printable(&one.dn))?;
        match one.source.as_str() {
            "" => writeln!(out, "  anchor {}, in no source any more", one.anchor)?,
            source => writeln!(out, "  anchor {}, from source \"{source}\"", one.anchor)?,
        }
        writeln!(out, "  {}", style.dim(&printable(&format!("{}{why}", one.verdict))))?;
    }
    Ok(())
}

fn searched(out: &mut dyn Write, style: Style, story: &Story) -> io::Result<()> {
    text::heading(out, style, "Where was looked")?;
    for source in &story.sources {
        writeln!(out, "  source \"{}\" {}", source.name, printable(&source.scope))?;
    }
    writeln!(
        out,
        "  Whoever is in the directory and not found is outside the bases of the source, is kept out by"
    )?;
    writeln!(out, "  its person_filter, is hidden from its account, or is written in another way.")
}

fn record(out: &mut dyn Write, style: Style, story: &Story) -> io::Result<()> {
    let Some(met) = story.record() else { return searched(out, style, story) };
    text::heading(out, style, "Record")?;
    writeln!(out, "  {}", printable(&met.record.dn))?;
    writeln!(out, "  anchor {}, read just now from source \"{}\"", met.record.anchor, met.source)?;
    if met.record.disabled {
        writeln!(out, "  disabled")?;
    }
    if let Some(expires) = met.record.expires.and_then(instant) {
        writeln!(out, "  expires at {expires}")?;
    }
    for (name, values) in story.attributes() {
        writeln!(out, "  {name:<22} {}", quoted(&values))?;
    }
    for other in &story.met[1..] {
        writeln!(out, "  {}", style.red(&format!("! the same anchor: {}", printable(&other.record.dn))))?;
    }
    for (name, through) in &story.groups {
        writeln!(out, "  member of {}", chain(name, through))?;
    }
    Ok(())
}

/// `"Pilots" through "Flight Crew"`.
fn chain(name: &str, through: &[String]) -> String {
    match through {
        [] => format!("\"{}\"", printable(name)),
        _ => format!("\"{}\" through \"{}\"", printable(name), printable(&through.join("\" and \""))),
    }
}

fn quoted(values: &[String]) -> String {
    match values {
        [] => "nothing".into(),
        _ => format!("\"{}\"", printable(&values.join("\", \""))),
    }
}

fn judged(out: &mut dyn Write, style: Style, story: &Story) -> io::Result<()> {
    // While the section is switched off, no rule says anything.
    let Some(told) = story.told.as_ref().filter(|told| !told.off) else { return Ok(()) };
    let is_in = told.scope.iter().all(|answer| answer.applies);
    text::heading(out, style, if is_in { "Scope: in" } else { "Scope: out" })?;
    if told.scope.is_empty() {
        let whoever = if told.section == "people" { "everybody" } else { "everything" };
        writeln!(out, "  {whoever} is in: {}.scope has no clause", told.section)?;
    }
    told.scope.iter().try_for_each(|answer| clause(out, style, story, answer, ""))?;
    text::heading(out, style, "Mapping")?;
    for mapped in &told.mapping {
        let name = mapped.field.map_or("email", |field| field.name());
        let inputs: Vec<String> = story
            .inputs(&mapped.source)
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(name, values)| format!("{name} {}", quoted(&values)))
            .collect();
        let from = match (inputs.as_slice(), mapped.source.as_str()) {
            ([], source) => format!("from {source}"),
            // The value says it all.
            ([only], source) if mapped.value.is_ok() && only.split(' ').next() == Some(source) => {
                format!("from {source}")
            }
            (inputs, source) => format!("from {source} with {}", inputs.join(", ")),
        };
        let from = match mapped.field {
            Some(field) if told.once.contains(field) => {
                format!("{from}; written only when the account is created")
            }
            Some(field) if told.kept.contains(field) => {
                format!("{from}; written only where the cloud has no value")
            }
            _ => from,
        };
        match &mapped.value {
            Ok(None) => writeln!(out, "  {name:<22} {}", style.dim(&printable(&format!("blank, {from}"))))?,
            Ok(Some(value)) => {
                let value = format!("\"{}\"", printable(value));
                writeln!(out, "  {name:<22} {value} {}", style.dim(&printable(&from)))?;
            }
            Err(withheld) => {
                writeln!(out, "{}", style.red(&format!("! {name:<22} {}", printable(&withheld.reason))))?;
                writeln!(out, "  what to do: {}", printable(&withheld.remedy))?;
            }
        }
    }
    if told.section == "people" {
        licenses(out, style, story)?;
    }
    if !told.roles.is_empty() {
        text::heading(out, style, "Roles")?;
    }
    for (answer, role) in &told.roles {
        let gives = role.as_ref().map_or("a role that the cloud does not have", |id| story.role(id));
        clause(out, style, story, answer, &format!(", for {}", printable(gives)))?;
    }
    Ok(())
}

fn licenses(out: &mut dyn Write, style: Style, story: &Story) -> io::Result<()> {
    let Some(told) = &story.told else { return Ok(()) };
    text::heading(out, style, "Licences")?;
    if told.entitlements.is_empty() {
        writeln!(out, "  no rule gives any")?;
    }
    for (answer, gives) in &told.entitlements {
        let names: Vec<&str> = gives.iter().map(|id| story.catalogue.name(id)).collect();
        let gives = if names.is_empty() { "nothing that the cloud has".into() } else { names.join(", ") };
        clause(out, style, story, answer, &format!(", for {gives}"))?;
    }
    for one in &told.verdict.ungiven {
        let what = format!("! not given: {}, of rule \"{}\": {}", one.name, one.rule, one.reason);
        writeln!(out, "{}", style.yellow(&printable(&what)))?;
        if let Some(remedy) = &one.remedy {
            writeln!(out, "  what to do: {}", printable(remedy))?;
        }
    }
    for one in story.outlook.iter().flat_map(|outlook| &outlook.fading) {
        let (name, until) = (printable(story.catalogue.name(&one.license)), date(one.until));
        writeln!(out, "  kept for a while: {name}, which no rule gives any more, until {until}")?;
    }
    match &told.verdict.wanted {
        Wanted::Leaving(_) if told.entitlements.iter().any(|(answer, _)| answer.applies) => {
            writeln!(out, "  none of it is given to somebody who does not belong in the cloud")?;
        }
        Wanted::Withheld(_) => writeln!(out, "  nothing is given or taken while somebody is withheld")?,
        Wanted::Leaving(_) | Wanted::Present(_) => {}
    }
    let mut seats: Vec<&LicenseId> = told.entitlements.iter().flat_map(|(_, gives)| gives).collect();
    seats.sort();
    seats.dedup();
    for license in seats.into_iter().filter_map(|id| story.catalogue.get(id)) {
        let name = printable(&license.name);
        if let Some(total) = license.total {
            writeln!(out, "  seats of {name}: {} of {total} in use", license.consumed)?;
        }
    }
    for (license, all) in &story.queue {
        let name = printable(story.catalogue.name(license));
        writeln!(out, "  the last pass had no seat of {name}: {all} in the queue for it")?;
    }
    for one in &story.unbound {
        let what = format!("! {}: \"{}\": {}", one.rule, one.wanted, one.message);
        writeln!(out, "{}", style.yellow(&printable(&what)))?;
        writeln!(out, "  what to do: {}", printable(&one.remedy))?;
    }
    Ok(())
}

/// One clause or rule; what a condition in it reads is shown.
fn clause(out: &mut dyn Write, style: Style, story: &Story, answer: &Answer, gives: &str) -> io::Result<()> {
    let read: Vec<String> = answer
        .reason
        .split('`')
        .nth(1)
        .map(|source| story.inputs(source))
        .unwrap_or_default()
        .into_iter()
        .map(|(name, values)| format!("{name} is {}", quoted(&values)))
        .collect();
    let read = if read.is_empty() { String::new() } else { format!("; {}", read.join(", ")) };
    let mark = if answer.applies { style.green("yes") } else { style.red("no ") };
    writeln!(
        out,
        "  {mark} {}{}: {}{}",
        printable(&answer.rule),
        printable(gives),
        printable(&answer.reason),
        printable(&read)
    )
}

fn account(out: &mut dyn Write, style: Style, story: &Story) -> io::Result<()> {
    let matched = story.outlook.as_ref().and_then(|outlook| outlook.case.as_ref()?.matched);
    let seen = story.seen();
    if story.row.is_none() && seen.is_none() {
        return Ok(());
    }
    text::heading(out, style, "Account")?;
    if let Some(row) = &story.row {
        let way = match row.origin {
            Origin::Created => "created by us",
            Origin::Adopted => "taken over by us",
        };
        let since = match &story.begun {
            Some(begun) => {
                let time = instant(begun.time).unwrap_or_default();
                format!(", in run {} at {time}", begun.run)
            }
            None => String::new(),
        };
        writeln!(out, "  linked to {}, {way}{since}", row.cloud_id)?;
        if let LinkState::Left { since } = row.state {
            writeln!(out, "  deactivated as a leaver at {}", instant(since).unwrap_or_default())?;
        }
        if seen.is_none() {
            writeln!(out, "  as last confirmed: {}", printable(row.applied.email.as_str()))?;
        }
    }
    match matched {
        Some(Match::Anchor) => writeln!(out, "  recognised by the anchor that it carries")?,
        Some(Match::Email) => writeln!(out, "  recognised by the e-mail address, which nobody else claims")?,
        None => {}
    }
    if let Some(seen) = seen {
        let email = seen.email.as_ref().map_or("no address", |email| email.as_str());
        let login = if seen.active { "may log in" } else { "may not log in" };
        writeln!(out, "  {}: {}, {login}", seen.id, printable(email))?;
        if story.row.is_none() {
            let external = seen.external_id.as_deref().unwrap_or("nothing");
            writeln!(out, "  carries as its external id: {}", printable(external))?;
        }
        let roles: Vec<&str> = seen.roles.iter().map(|id| story.role(id)).collect();
        if !roles.is_empty() {
            writeln!(out, "  administrator roles: {}", printable(&roles.join(", ")))?;
        }
    }
    if let Some(holds) = &story.holds {
        let given = |id: &LicenseId| story.row.as_ref().is_some_and(|row| row.given.licenses.contains(id));
        let names: Vec<String> = holds
            .iter()
            .map(|id| {
                let by = if given(id) { "given by us" } else { "not given by us" };
                format!("{} ({by})", story.catalogue.name(id))
            })
            .collect();
        let names = if names.is_empty() { "none".into() } else { names.join(", ") };
        writeln!(out, "  licences: {}", printable(&names))?;
    }
    if story.outlook.as_ref().and_then(|outlook| outlook.case.as_ref()).is_some_and(|case| case.protected) {
        writeln!(out, "  protected: never deactivated, deleted or stripped")?;
    }
    Ok(())
}

fn cloud_groups(out: &mut dyn Write, style: Style, story: &Story) -> io::Result<()> {
    if story.cloud_groups.is_empty() {
        return Ok(());
    }
    text::heading(out, style, "Groups of the cloud")?;
    let belongs = story.belongs();
    let section = story.told.as_ref().map(|told| told.section);
    for group in &story.cloud_groups {
        let name = if group.name.is_empty() { "?" } else { &group.name };
        let words = match section {
            Some("rooms") => "left out: a room is never a member",
            Some("contacts") => "left out: a contact is never a member",
            _ => group.words(belongs),
        };
        writeln!(out, "  {}: {words}", chain(name, &group.through))?;
    }
    Ok(())
}

fn outlook(out: &mut dyn Write, style: Style, story: &Story) -> io::Result<()> {
    if let Some(outlook) = &story.outlook {
        text::heading(out, style, "What a pass would do now")?;
        for done in &outlook.actions {
            text::action(out, style, &story.catalogue, &done.action, done.held_by.as_deref())?;
        }
        text::withheld(out, style, &outlook.withheld)?;
        for license in &outlook.waiting {
            let name = printable(story.catalogue.name(license));
            writeln!(out, "  no seat left of {name}: whoever waits is served when one is free")?;
        }
        outlook.short.iter().try_for_each(|why| writeln!(out, "  left as is: {why}"))?;
        if outlook.actions.is_empty()
            && outlook.withheld.is_empty()
            && outlook.short.is_empty()
            && outlook.waiting.is_empty()
        {
            match (story.off(), contact::put_right(story)) {
                (Some(switch), _) => writeln!(out, "  nothing: {switch} is off")?,
                (None, Some(later)) => writeln!(out, "  nothing; {later}")?,
                (None, None) => writeln!(out, "  nothing")?,
            }
        }
        text::findings(out, style, &outlook.findings)?;
    }
    for kept in &story.kept {
        let state = match kept.decision {
            None => "waits for approval".to_owned(),
            Some(Decision::Approved) => "was approved, and waits for the next pass".to_owned(),
            Some(Decision::Rejected) => "was rejected".to_owned(),
            Some(_) => continue,
        };
        text::heading(out, style, &format!("Held plan {} {state}", kept.plan))?;
        for action in &kept.actions {
            text::action(out, style, &story.catalogue, action, None)?;
        }
    }
    Ok(())
}
