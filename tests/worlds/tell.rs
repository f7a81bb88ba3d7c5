//! What is said to a pass: every action with its changes, whoever is held, withheld or waits,
//! and the counts. Ids and times are left out, as they say nothing to a reader.

use std::fmt::Write;

use dirsyncd::model::{Action, Attr, CloudId, LicenseId, RoleId, SourceId, Telephone, Unserved, Withheld};
use dirsyncd::pass::{Fading, NoSeat, in_order};

use crate::support::org::{Looked, Org, Passed};

/// What a look found.
pub fn looked(org: &Org, looked: &Looked, out: &mut String) {
    reading(&looked.look.reading.partial, out);
    for action in looked.actions() {
        line(out, format_args!("would {}", said(&action)));
    }
    let parts = &looked.parts;
    for held in parts.iter().flat_map(|part| &part.held) {
        line(out, format_args!("held ({}): {}", held.code, said(&held.action)));
    }
    let withheld = looked.look.reading.withheld.iter().chain(parts.iter().flat_map(|part| &part.withheld));
    withheld_people(withheld, out);
    not_given(&looked.look, out);
    fading(org, parts.iter().flat_map(|part| &part.fading), out);
    for one in &looked.look.supply {
        let (license, total, consumed) = (name(&one.license), one.total, one.consumed);
        let (freed, asked, short) = (one.freed, one.asked + one.absent, one.short());
        line(
            out,
            format_args!(
                "seats: {license}: {consumed} of {total} in use, {freed} freed, {asked} asked for, short by {short}"
            ),
        );
    }
    for (license, forecast) in &looked.look.forecasts {
        let days = forecast.day - org.now().div_euclid(86_400);
        line(
            out,
            format_args!(
                "seats: {} run out in {days} days, by {} days of growth",
                name(license),
                forecast.over
            ),
        );
    }
    let mut waiting: Vec<NoSeat> = parts.iter().flat_map(|part| part.waiting.clone()).collect();
    in_order(&mut waiting);
    seats(waiting.iter(), out);
    short(org, parts.iter().flat_map(|part| &part.short), out);
    strays(&looked.look, out);
}

/// What a pass did.
pub fn passed(org: &Org, passed: &Passed, out: &mut String) {
    let acted = &passed.acted;
    if passed.look.reading.from_records {
        line(out, "judged from the kept records");
    }
    reading(&passed.look.reading.partial, out);
    for unbound in &passed.look.unbound {
        line(out, format_args!("unbound: {}", unbound.message));
    }
    // Groups go side by side.
    let mut done: Vec<&Action> = passed.done.iter().collect();
    done.sort_by_key(|action| action.kind.is_group().then(|| action.who.to_string()));
    for action in done {
        line(out, said(action));
    }
    for failure in &acted.failed {
        line(out, format_args!("failed ({}): {}", failure.code, said(&failure.action)));
    }
    for held in &acted.held {
        line(out, format_args!("held ({}): {}", held.code, said(&held.action)));
    }
    for finding in passed.look.guard.findings().iter().chain(&acted.findings) {
        line(out, format_args!("guard: {}", finding.message));
    }
    for (license, people) in &acted.uncalled {
        line(out, format_args!("competing: a template gives {} too, to {people} people", name(license)));
    }
    withheld_people(acted.withheld.iter(), out);
    not_given(&passed.look, out);
    fading(org, acted.fading.iter(), out);
    seats(acted.waiting.iter(), out);
    short(org, acted.short.iter().chain(&acted.kept), out);
    strays(&passed.look, out);
    if let Some(fatal) = &acted.fatal {
        line(out, format_args!("ended by the cloud: {fatal}"));
    }
    let mut counts: Vec<String> = acted.done.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    if counts.is_empty() {
        counts.push("nothing done".into());
    }
    line(out, format_args!("= {}; {} writes", counts.join(", "), passed.writes));
}

/// Who waits for a seat, in the order in which they are served.
pub fn queue(org: &Org, out: &mut String) {
    for one in org.store.reader().waiting().unwrap() {
        let days = (org.now() - one.rank.since) / 86_400;
        let (email, license, rule) = (&one.email, name(&one.license), &one.rule);
        let refused =
            if one.refused > 0 { format!(", refused {} times", one.refused) } else { String::new() };
        line(
            out,
            format_args!("{email} for {license} by {rule}, {days} days ({}{refused})", one.reason.word()),
        );
    }
}

/// What is in the cloud.
pub fn cloud(org: &Org, out: &mut String) {
    let state = org.cloud.state();
    let mut lines = Vec::new();
    for kept in state.accounts.values() {
        let email = kept.account.email.as_ref().map_or("(no address)", |email| email.as_str());
        let mut text = email.to_owned();
        if !kept.account.active {
            text.push_str(" inactive");
        }
        for (field, value) in &kept.account.profile {
            let _ = write!(text, " {field}=\"{value}\"");
        }
        for license in kept.licenses.keys() {
            let _ = write!(text, " +{}", name(license));
        }
        for role in kept.roles.keys() {
            let _ = write!(text, " +{}", role_name(role));
        }
        if kept.account.external_id.is_none() {
            text.push_str(" (no anchor)");
        }
        lines.push(text);
    }
    lines.sort();
    for text in lines {
        line(out, text);
    }
    let mut groups: Vec<_> = state.groups.values().collect();
    groups.sort_by(|a, b| a.group.name.cmp(&b.group.name));
    for kept in groups {
        let mut members: Vec<&str> = kept
            .members
            .keys()
            .map(|id| {
                let email = state.accounts.get(id).and_then(|kept| kept.account.email.as_ref());
                email.map_or("(nobody)", |email| email.as_str())
            })
            .collect();
        members.sort_unstable();
        let anchor = if kept.group.external_id.is_none() { " (no anchor)" } else { "" };
        line(out, format_args!("group {}{anchor}: {}", kept.group.name, members.join(" ")));
    }
}

fn line(out: &mut String, text: impl std::fmt::Display) {
    let _ = writeln!(out, "  {text}");
}

fn name(license: &LicenseId) -> &str {
    license.as_str().trim_start_matches("lic:")
}

fn role_name(role: &RoleId) -> &str {
    role.as_str().trim_start_matches("id_")
}

/// One action in a line.
fn said(action: &Action) -> String {
    let mut text = format!("{} {}", action.kind, action.who);
    for change in &action.changes {
        let value = |value: &Option<String>| value.as_ref().map_or("nothing".into(), |v| format!("\"{v}\""));
        let _ = match &change.field {
            // Said by the action itself.
            Attr::ExternalId | Attr::Active => Ok(()),
            Attr::Email if change.from.is_none() || change.to.is_none() => Ok(()),
            Attr::License(id) => {
                let telephone = change.to.as_deref().and_then(|to| to.parse::<Telephone>().ok());
                let telephone = telephone.map_or(String::new(), |t| format!(" ({})", t.words()));
                write!(text, " {}{}{telephone}", if change.to.is_some() { "+" } else { "-" }, name(id))
            }
            Attr::Role(id) => {
                write!(text, " {}{}", if change.to.is_some() { "+" } else { "-" }, role_name(id))
            }
            Attr::Member(_) => {
                let (sign, who) = if change.to.is_some() { ('+', &change.to) } else { ('-', &change.from) };
                write!(text, " {sign}{}", who.as_deref().unwrap_or("?"))
            }
            field if change.from.is_none() => write!(text, " {field}={}", value(&change.to)),
            field => write!(text, " {field} {} -> {}", value(&change.from), value(&change.to)),
        };
    }
    let _ = write!(text, " ({})", action.cause.words());
    text
}

fn reading(partial: &[String], out: &mut String) {
    for reason in partial {
        line(out, format_args!("partial: {reason}"));
    }
}

fn withheld_people<'a>(all: impl Iterator<Item = &'a Withheld>, out: &mut String) {
    for one in all {
        line(out, format_args!("withheld ({}): {}: {}", one.code, one.dn, hide(&one.reason)));
    }
}

/// Ids of the cloud and of people say nothing to a reader.
fn hide(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.parse::<SourceId>() {
        Ok(_) => "(id)",
        Err(_) if word.starts_with("cloud-") => "(id)",
        Err(_) => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

fn not_given(look: &dirsyncd::pass::Look, out: &mut String) {
    for one in &look.reading.not_given {
        line(out, format_args!("not given: {} to {}: {}", one.what.name, one.dn, one.what.reason));
    }
}

fn fading<'a>(org: &Org, all: impl Iterator<Item = &'a Fading>, out: &mut String) {
    for one in all {
        let days = (one.until - org.now() + 43_200) / 86_400;
        line(out, format_args!("kept: {} keeps {} for {days} days", one.email, name(&one.license)));
    }
}

fn seats<'a>(all: impl Iterator<Item = &'a NoSeat>, out: &mut String) {
    for one in all {
        let why = match one.reason {
            Unserved::NoSeat => "",
            Unserved::RefusedByCloud => ", which the cloud left out",
        };
        line(out, format_args!("no seat: {} waits for {}{why}", one.email, name(&one.license)));
    }
}

fn short<'a>(org: &Org, all: impl Iterator<Item = &'a (SourceId, &'static str)>, out: &mut String) {
    for (anchor, reason) in all {
        let who = org.directories.iter().find_map(|directory| {
            let state = directory.state();
            let everybody = state.people.iter().chain(&state.dropped).map(|(name, one)| (name, one.anchor));
            let mut all = everybody.chain(state.groups.iter().map(|(name, one)| (name, one.anchor)));
            all.find(|(_, known)| known == anchor).map(|(name, _)| name.clone())
        });
        line(out, format_args!("short: {}: {reason}", who.as_deref().unwrap_or("somebody")));
    }
}

fn strays(look: &dirsyncd::pass::Look, out: &mut String) {
    for stray in look.strays().unwrap().unwrap_or_default() {
        let id: &CloudId = &stray.cloud_id;
        line(
            out,
            format_args!("stray: {}", stray.email.as_ref().map_or(id.as_str(), |email| email.as_str())),
        );
    }
}
