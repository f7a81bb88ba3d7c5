//! The account of the seats, before anything is written: as JSON, and as text.

use std::collections::BTreeMap;
use std::io::{self, Write};

use chrono::DateTime;
use serde_json::{Value, json};

use crate::model::{Catalogue, LicenseId};
use crate::pass::{Look, NoSeat};
use crate::plan::forecast;
use crate::report::text::{self, Style, printable};
use crate::store::{SeatDay, Waiting};

use super::status::instant;

/// Of each queue so many are named.
const NAMED: usize = 10;

/// The account of every licence whose seats are limited.
pub fn documents(look: &Look, waiting: &[NoSeat]) -> Vec<Value> {
    look.supply
        .iter()
        .filter_map(|one| {
            let license = look.catalogue.get(&one.license)?;
            let queue: Vec<&NoSeat> = waiting.iter().filter(|who| who.license == one.license).collect();
            let first: Vec<Value> =
                queue.iter().take(NAMED).map(|one| waiting_document(one, &look.rule_names)).collect();
            let forecast = look.forecasts.get(&one.license);
            Some(json!({
                "license": license.id,
                "name": license.name,
                "service": license.service,
                "subscription": license.subscription,
                "site": license.site,
                "total": one.total,
                "consumed": one.consumed,
                "free": license.free_seats(),
                "freed": one.freed,
                "given": one.asked.saturating_sub(queue.len() as u64),
                "demand": one.demand(),
                "short": one.missing(),
                "waiting": queue.len() as u64 + one.absent,
                "first": first,
                "runs_out": forecast.and_then(|forecast| date(forecast.day)),
                "growth_days": forecast.map(|forecast| forecast.over),
            }))
        })
        .collect()
}

/// The same with the numbers of a later answer of the cloud.
pub fn brought_up(documents: &[Value], fresh: &Catalogue) -> Vec<Value> {
    let mut documents = documents.to_vec();
    for document in &mut documents {
        let id = document.get("license").and_then(Value::as_str).map(LicenseId::new);
        if let Some(license) = id.and_then(|id| fresh.get(&id)) {
            document["total"] = json!(license.total);
            document["consumed"] = json!(license.consumed);
            document["free"] = json!(license.free_seats());
        }
    }
    documents
}

/// Somebody who waits.
pub fn waiting_document(one: &NoSeat, rules: &[String]) -> Value {
    let rule = one.rank.as_ref().and_then(|rank| rules.get(usize::from(rank.rule)));
    // Whoever is new in the queue waits since now, and whoever goes before all does not wait.
    let since =
        one.rank.as_ref().map(|rank| rank.since).filter(|since| ![i64::MIN, i64::MAX].contains(since));
    json!({
        "anchor": one.anchor,
        "email": one.email,
        "license": one.license,
        "rule": rule,
        "reason": one.reason,
        "since": since.map(instant),
    })
}

/// What a pass noted, with the queue and the forecast as they are now.
pub fn now(
    noted: Option<&Value>,
    waiting: &[Waiting],
    days: &BTreeMap<LicenseId, Vec<SeatDay>>,
) -> Vec<Value> {
    let mut documents = noted.and_then(Value::as_array).cloned().unwrap_or_default();
    for document in &mut documents {
        let Some(id) = document.get("license").and_then(Value::as_str).map(LicenseId::new) else { continue };
        let queue: Vec<&Waiting> = waiting.iter().filter(|one| one.license == id).collect();
        let forecast = days.get(&id).and_then(|days| {
            let needed: Vec<(i64, u64)> = days.iter().map(|day| (day.day, day.demand)).collect();
            forecast(&needed, days.last()?.total)
        });
        document["waiting"] = json!(queue.len());
        document["first"] = queue.iter().take(NAMED).map(|one| place_document(one)).collect();
        document["runs_out"] = json!(forecast.and_then(|forecast| date(forecast.day)));
        document["growth_days"] = json!(forecast.map(|forecast| forecast.over));
    }
    documents
}

/// One place in the queue.
pub fn place_document(one: &Waiting) -> Value {
    json!({
        "anchor": one.rank.anchor,
        "email": one.email,
        "license": one.license,
        "rule": (!one.rule.is_empty()).then_some(&one.rule),
        "reason": one.reason,
        "since": instant(one.rank.since),
        "refused": one.refused,
    })
}

/// A licence in a line, for the status.
pub fn line(style: Style, one: &Value) -> String {
    let number = |key: &str| one.get(key).and_then(Value::as_u64).unwrap_or(0);
    let mut line = format!("{:>6} of {:>6}  {}", number("consumed"), number("total"), name(one));
    if let Some(words) = forecast_words(one) {
        line.push_str(&format!("; {words}"));
    }
    match (number("waiting"), one["first"][0]["email"].as_str()) {
        (0, _) | (_, None) => line,
        (waiting, Some(first)) => {
            let verb = if waiting == 1 { "waits" } else { "wait" };
            style.yellow(&format!("{line}; {waiting} {verb}, first {}", printable(first)))
        }
    }
}

/// A day, counted from 1970-01-01 UTC, for people and programs.
fn date(day: i64) -> Option<String> {
    Some(DateTime::from_timestamp(day.checked_mul(86_400)?, 0)?.format("%Y-%m-%d").to_string())
}

/// Writes the account of those licences about which there is anything to say.
///
/// # Errors
///
/// When it cannot be written.
pub fn write(out: &mut dyn Write, style: Style, documents: &[Value]) -> io::Result<()> {
    let number = |one: &Value, key: &str| one.get(key).and_then(Value::as_u64).unwrap_or(0);
    let speaks = |one: &&Value| {
        ["freed", "given", "short", "waiting"].iter().any(|key| number(one, key) > 0)
            || one.get("runs_out").is_some_and(Value::is_string)
    };
    let mut documents = documents.iter().filter(speaks).peekable();
    if documents.peek().is_none() {
        return Ok(());
    }
    text::heading(out, style, "Seats")?;
    for one in documents {
        let mut line =
            format!("{}: {} of {} in use", name(one), number(one, "consumed"), number(one, "total"));
        for (key, words) in [("freed", "to be freed"), ("given", "to be given")] {
            if number(one, key) > 0 {
                line.push_str(&format!(", {} {words}", number(one, key)));
            }
        }
        match number(one, "short") {
            0 => writeln!(out, "  {line}")?,
            short => writeln!(out, "{}", style.yellow(&format!("! {line}, short by {short}")))?,
        }
        let first = one.get("first").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (at, who) in first.iter().enumerate() {
            let text = |key: &str| printable(who.get(key).and_then(Value::as_str).unwrap_or_default());
            let refused = if text("reason") == "refused_by_cloud" { ", refused by the cloud" } else { "" };
            let rule = text("rule");
            let by = if rule.is_empty() { String::new() } else { format!("  {}", style.dim(&rule)) };
            let since = who.get("since").and_then(Value::as_str).and_then(|since| since.get(..10));
            let since = since.map_or_else(String::new, |day| format!(", since {day}"));
            writeln!(out, "      {:>3}. {:<38}{by}{since}{refused}", at + 1, text("email"))?;
        }
        if number(one, "waiting") > first.len() as u64 {
            writeln!(out, "      ... and {} more", number(one, "waiting") - first.len() as u64)?;
        }
        if let Some(words) = forecast_words(one) {
            writeln!(out, "      {words}")?;
        }
    }
    Ok(())
}

/// When the seats run out, in words.
pub fn forecast_words(one: &Value) -> Option<String> {
    let day = one.get("runs_out")?.as_str()?;
    let over = one.get("growth_days")?.as_i64()?;
    Some(format!("runs out about {day} at the growth of the last {over} days"))
}

/// A licence, with what tells it from others of its name.
pub fn name(one: &Value) -> String {
    let text = |key: &str| one.get(key).and_then(Value::as_str).map(printable);
    let mut name = text("name").unwrap_or_default();
    if let Some(subscription) = text("subscription") {
        name.push_str(&format!(", subscription {subscription}"));
    }
    if let Some(site) = text("site") {
        name.push_str(&format!(", site {site}"));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Email, Rank, SourceId, Unserved};

    fn waiting(name: &str, since: i64) -> Waiting {
        let rank = Rank { since, ..Rank::restored(SourceId::new([1; 16])) };
        Waiting {
            email: format!("{name}@example.com").parse::<Email>().unwrap(),
            license: LicenseId::new("L"),
            rank,
            rule: "staff".into(),
            reason: Unserved::NoSeat,
            refused: 0,
        }
    }

    #[test]
    fn a_shortage_is_named_with_people_and_dates() {
        // Two more a day for three weeks; the 61st of 60 seats is needed eight days on.
        let days = (20_000..20_021).map(|day| SeatDay {
            day,
            total: 60,
            consumed: 0,
            demand: 5 + 2 * (day - 20_000) as u64,
            waiting: 0,
        });
        let noted = json!([{
            "license": "L", "name": "Messages", "subscription": "S1", "total": 60, "consumed": 45, "short": 2,
        }]);
        let queue = [waiting("ann", 1_700_000_000), waiting("ben", 1_700_100_000)];
        let days = [(LicenseId::new("L"), days.collect())].into();
        let all = now(Some(&noted), &queue, &days);
        assert_eq!((&all[0]["runs_out"], &all[0]["growth_days"]), (&json!("2024-11-01"), &json!(21)));
        assert_eq!(all[0]["first"][1]["since"], json!("2023-11-16T02:00:00Z"));
        let mut text = Vec::new();
        write(&mut text, Style::default(), &all).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "\nSeats
! Messages, subscription S1: 45 of 60 in use, short by 2
        1. ann@example.com                         staff, since 2023-11-14
        2. ben@example.com                         staff, since 2023-11-16
      runs out about 2024-11-01 at the growth of the last 21 days
"
        );
        assert!(line(Style::default(), &all[0]).ends_with("2 wait, first ann@example.com"));
        let plan = |since: i64| {
            let place = NoSeat {
                anchor: SourceId::new([1; 16]),
                email: "ann@example.com".into(),
                license: LicenseId::new("L"),
                rank: Some(Box::new(Rank { since, ..Rank::restored(SourceId::new([1; 16])) })),
                reason: Unserved::NoSeat,
            };
            waiting_document(&place, &["staff".into()])["since"].clone()
        };
        assert_eq!(plan(1_700_000_000), json!("2023-11-14T22:13:20Z"));
        assert_eq!((plan(i64::MAX), plan(i64::MIN)), (Value::Null, Value::Null), "new in it");
    }
}
