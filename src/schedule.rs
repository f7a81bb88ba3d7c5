//! When the next pass is due: `every 15m`, or a crontab expression. Pure: the time comes in
//! as an argument.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Local, TimeDelta, TimeZone, Utc};

/// The clock whose hours a crontab expression speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// Coordinated Universal Time: no hour is skipped or repeated.
    #[default]
    Utc,
    /// The time zone of the machine. In the hour that daylight saving repeats or skips, a
    /// time may come twice or not at all.
    Local,
}

/// When passes run.
#[derive(Clone, Debug)]
pub struct Schedule {
    text: String,
    zone: Zone,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// So long after the start of the last one.
    Every(TimeDelta),
    /// At the earliest of what these say. Two when day of month and day of week are both
    /// restricted: in a crontab either of them is enough.
    Cron(Vec<cron::Schedule>),
}

/// Why a text is not a schedule or a duration, in a sentence for an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleError(String);

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ScheduleError {}

impl Default for Schedule {
    /// `every 15m`.
    fn default() -> Self {
        Self { text: "every 15m".to_owned(), zone: Zone::Utc, form: Form::Every(TimeDelta::minutes(15)) }
    }
}

impl Schedule {
    /// Reads `every DURATION`, or a crontab expression with 5 fields (minute, hour, day of
    /// month, month, day of week) or 6 (seconds first). Numbers, names, lists, ranges, steps
    /// and the meaning of days are those of crontab(5): 0 and 7 are Sunday, and when both day
    /// fields are restricted, a day that satisfies either of them counts.
    ///
    /// # Errors
    ///
    /// A sentence that names the wrong field and what it may hold.
    pub fn parse(text: &str, zone: Zone) -> Result<Self, ScheduleError> {
        let text = text.trim();
        let form = match text.strip_prefix("every ") {
            Some(rest) => {
                let every = parse_duration(rest)?;
                if every < Duration::from_secs(1) {
                    return Err(ScheduleError(format!("\"{text}\" is more often than once a second")));
                }
                let every = TimeDelta::from_std(every).map_err(|_| too_long(rest))?;
                Form::Every(every)
            }
            None => Form::Cron(parse_cron(text)?),
        };
        Ok(Self { text: text.to_owned(), zone, form })
    }

    /// The first due time strictly after `time`; `None` when there is none before the end of
    /// the calendar. For `every`, `time` is taken as the start of the last pass.
    pub fn next_after(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.form {
            Form::Every(every) => time.checked_add_signed(*every),
            Form::Cron(crons) => match self.zone {
                Zone::Utc => earliest(crons, time, &Utc),
                Zone::Local => earliest(crons, time, &Local),
            },
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match (&self.form, self.zone) {
            (Form::Every(_), _) => Ok(()),
            (Form::Cron(_), Zone::Utc) => f.write_str(" (UTC)"),
            (Form::Cron(_), Zone::Local) => f.write_str(" (local time)"),
        }
    }
}

fn earliest<Z: TimeZone>(crons: &[cron::Schedule], time: DateTime<Utc>, zone: &Z) -> Option<DateTime<Utc>> {
    let time = time.with_timezone(zone);
    crons.iter().filter_map(|cron| cron.after(&time).next()).min().map(|next| next.with_timezone(&Utc))
}

/// The fields of the long form: name, and what the field may hold.
const FIELDS: [(&str, &str); 6] = [
    ("seconds", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of month", "1 to 31"),
    ("month", "1 to 12, or jan to dec"),
    ("day of week", "0 to 7 where 0 and 7 are Sunday, or sun to sat"),
];

const DAY_OF_MONTH: usize = 3;
const DAY_OF_WEEK: usize = 5;

fn parse_cron(text: &str) -> Result<Vec<cron::Schedule>, ScheduleError> {
    let mut fields: Vec<String> = text.split_whitespace().map(str::to_ascii_lowercase).collect();
    match fields.len() {
        5 => fields.insert(0, "0".to_owned()),
        6 => {}
        n => {
            return Err(ScheduleError(format!(
                "\"{text}\" is neither \"every\" and a duration, such as \"every 15m\", nor a crontab \
                 expression, which has 5 or 6 fields and not {n}"
            )));
        }
    }
    let restricted = |field: &str| !field.starts_with('*') && field != "?";
    let either = restricted(&fields[DAY_OF_MONTH]) && restricted(&fields[DAY_OF_WEEK]);
    let written = fields.clone();
    let wrong = |i: usize| {
        let (name, range) = FIELDS[i];
        ScheduleError(format!("the field for the {name}, \"{}\", is wrong: it may hold {range}", written[i]))
    };
    fields[DAY_OF_WEEK] = days_of_week(&fields[DAY_OF_WEEK]).ok_or_else(|| wrong(DAY_OF_WEEK))?;

    // One field at a time, so that the error can name it.
    for i in 0..fields.len() {
        let mut probe = ["*"; 6];
        probe[i] = &fields[i];
        if cron::Schedule::from_str(&probe.join(" ")).is_err() {
            return Err(wrong(i));
        }
    }
    let mut forms = vec![fields];
    if either {
        let mut by_weekday = forms[0].clone();
        by_weekday[DAY_OF_MONTH] = "*".to_owned();
        forms[0][DAY_OF_WEEK] = "*".to_owned();
        forms.push(by_weekday);
    }
    let crons = forms
        .iter()
        .map(|fields| cron::Schedule::from_str(&fields.join(" ")))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| ScheduleError(format!("\"{text}\" is not a crontab expression: {error}")))?;
    // From a fixed day, so that this stays a function of the text; long enough for a leap day.
    if earliest(&crons, DateTime::UNIX_EPOCH + TimeDelta::days(365 * 54), &Utc).is_none() {
        return Err(ScheduleError(format!("\"{text}\" never comes: no such day exists")));
    }
    Ok(crons)
}

/// Rewrites crontab's day of week (0 to 7, Sunday twice) as the list that the cron crate
/// understands, in which Sunday is 1 and Saturday 7.
fn days_of_week(field: &str) -> Option<String> {
    if field == "*" || field == "?" {
        return Some("*".to_owned());
    }
    let mut days = [false; 7];
    for item in field.split(',') {
        let (span, step) = match item.split_once('/') {
            Some((span, step)) => (span, Some(step.parse::<usize>().ok().filter(|step| *step > 0)?)),
            None => (item, None),
        };
        let (from, to) = match span.split_once('-') {
            Some((from, to)) => {
                let (from, to) = (day_of_week(from)?, day_of_week(to)?);
                // `sat-sun` and `fri-sun` are meant, although Sunday is written as 0.
                (from, if to < from && to == 0 { 7 } else { to })
            }
            None if span == "*" => (0, 6),
            None => {
                let day = day_of_week(span)?;
                (day, if step.is_some() { 6.max(day) } else { day })
            }
        };
        if to < from {
            return None;
        }
        (from..=to).step_by(step.unwrap_or(1)).for_each(|day| days[day % 7] = true);
    }
    let list: Vec<String> = (0..7).filter(|day| days[*day]).map(|day| (day + 1).to_string()).collect();
    Some(list.join(","))
}

fn day_of_week(text: &str) -> Option<usize> {
    const NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    match NAMES.iter().position(|name| *name == text) {
        Some(day) => Some(day),
        None => text.parse().ok().filter(|day| *day <= 7 && text.len() == 1),
    }
}

/// Reads a duration: `90s`, `15m`, `2h`, `30d`, `4w`, `250ms`, or several such in a row,
/// `1h30m`.
///
/// # Errors
///
/// A sentence that says what is wrong and what a duration looks like.
pub fn parse_duration(text: &str) -> Result<Duration, ScheduleError> {
    let text = text.trim();
    let mut rest = text;
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(ScheduleError(
            "a duration is empty; write a number and a unit, such as \"15m\"".to_owned(),
        ));
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(letters);
        let malformed = |why: &str| {
            ScheduleError(format!(
                "\"{text}\" is not a duration: {why}; write a number and a unit out of ms, s, m, h, d, w, \
                 such as \"15m\" or \"30d\""
            ))
        };
        if digits == 0 {
            return Err(malformed("a number is missing"));
        }
        let number: u64 = number.parse().map_err(|_| too_long(text))?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "" if tail.starts_with(' ') => return Err(malformed("there is a blank in it")),
            "" => return Err(malformed("the unit is missing")),
            other => return Err(malformed(&format!("no such unit as \"{other}\""))),
        };
        let part = number.checked_mul(millis).ok_or_else(|| too_long(text))?;
        total = total.checked_add(Duration::from_millis(part)).ok_or_else(|| too_long(text))?;
        rest = tail;
    }
    // A century: beyond it, sums with dates leave the calendar.
    if total > Duration::from_secs(100 * 366 * 86_400) { Err(too_long(text)) } else { Ok(total) }
}

fn too_long(text: &str) -> ScheduleError {
    ScheduleError(format!("\"{text}\" is longer than a hundred years"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(schedule: &str, time: &str) -> String {
        let time: DateTime<Utc> = time.parse().unwrap();
        let schedule = Schedule::parse(schedule, Zone::Utc).unwrap();
        schedule.next_after(time).unwrap().format("%a %Y-%m-%dT%H:%M:%S").to_string()
    }

    #[test]
    fn schedules_mean_what_crontab_means() {
        // 2026-03-04 is a Wednesday.
        let now = "2026-03-04T10:07:30Z";
        for (schedule, expected) in [
            ("every 15m", "Wed 2026-03-04T10:22:30"),
            ("every 1h30m", "Wed 2026-03-04T11:37:30"),
            ("*/15 * * * *", "Wed 2026-03-04T10:15:00"),
            ("*/20 * * * * *", "Wed 2026-03-04T10:07:40"),
            ("30 2 * * *", "Thu 2026-03-05T02:30:00"),
            ("0 6 * * 1", "Mon 2026-03-09T06:00:00"),
            ("0 6 * * 0", "Sun 2026-03-08T06:00:00"),
            ("0 6 * * 7", "Sun 2026-03-08T06:00:00"),
            ("0 6 * * 5-7", "Fri 2026-03-06T06:00:00"),
            ("0 6 * * 6-7", "Sat 2026-03-07T06:00:00"),
            ("0 6 * * Sat-Sun", "Sat 2026-03-07T06:00:00"),
            ("0 6 * * mon-fri", "Thu 2026-03-05T06:00:00"),
            ("0 6 * * 2/2", "Thu 2026-03-05T06:00:00"),
            ("0 6 * * 1-5/2", "Fri 2026-03-06T06:00:00"),
            ("0 6 * * */3", "Sat 2026-03-07T06:00:00"),
            ("0 6 1 jan *", "Fri 2027-01-01T06:00:00"),
            ("0 6 29 2 *", "Tue 2028-02-29T06:00:00"),
            // Both day fields restricted: either is enough.
            ("0 6 31 * 5", "Fri 2026-03-06T06:00:00"),
            ("0 6 5 * 1", "Thu 2026-03-05T06:00:00"),
            ("0 6 5 * *", "Thu 2026-03-05T06:00:00"),
        ] {
            assert_eq!(after(schedule, now), expected, "{schedule}");
        }
    }

    #[test]
    fn a_due_time_is_strictly_later() {
        assert_eq!(after("0 6 * * *", "2026-03-04T06:00:00Z"), "Thu 2026-03-05T06:00:00");
    }

    #[test]
    fn wrong_schedules_are_explained() {
        for (schedule, part) in [
            ("15m", "5 or 6 fields and not 1"),
            ("", "not 0"),
            ("every", "not 1"),
            ("every 15", "the unit is missing"),
            ("every 0s", "more often than once a second"),
            ("60 * * * *", "the minute, \"60\""),
            ("0 24 * * *", "the hour, \"24\""),
            ("0 0 0 * *", "the day of month, \"0\""),
            ("0 0 * foo *", "the month, \"foo\""),
            ("0 0 * * 8", "the day of week, \"8\""),
            ("0 0 * * 5-2", "the day of week, \"5-2\""),
            ("0 0 * * 1/0", "the day of week"),
            ("0 0 * * +1", "the day of week"),
            ("61 0 0 * * *", "the seconds, \"61\""),
            ("0 0 31 2 *", "never comes"),
            ("0 0 0 1 1 * 2030", "not 7"),
        ] {
            let error = Schedule::parse(schedule, Zone::Utc).expect_err(schedule).to_string();
            assert!(error.contains(part), "{schedule}: {error}");
        }
    }

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("2h", 7_200),
            ("30d", 2_592_000),
            ("1w", 604_800),
            ("1h30m", 5_400),
            (" 0s ", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
    }

    #[test]
    fn wrong_durations_are_explained() {
        for (text, part) in [
            ("", "is empty"),
            ("15", "the unit is missing"),
            ("14 days", "there is a blank in it"),
            ("14days", "no such unit as \"days\""),
            ("m", "a number is missing"),
            ("-5m", "a number is missing"),
            ("1.5h", "the unit is missing"),
            ("5 m", "there is a blank in it"),
            ("5 min", "there is a blank in it"),
            ("5min", "no such unit as \"min\""),
            ("5µs", "the unit is missing"),
            ("99999999999999999999d", "a hundred years"),
            ("99999999999999999d", "a hundred years"),
            ("200000000000s", "a hundred years"),
        ] {
            let error = parse_duration(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
