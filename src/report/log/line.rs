//! One event as one line, for people or for machines. Fields that hold personal data are
//! recognised by their name, DNs and addresses in other texts by their form; both are shown only
//! when the configuration allows it.

use std::fmt::{self, Debug};

use chrono::SecondsFormat;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use super::mask::masked;

/// Names of fields with something in them that belongs to a person.
const PERSONAL: [&str; 14] = [
    "bind",
    "display_name",
    "dn",
    "email",
    "family_name",
    "from",
    "given_name",
    "name",
    "old_email",
    "person",
    "phone",
    "to",
    "user_name",
    "value",
];

pub(super) const REDACTED: &str = "<redacted>";

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Text { time: bool, color: bool },
    Json,
}

/// Formats events.
pub(super) struct Line {
    pub(super) style: Style,
    pub(super) personal_data: bool,
}

/// Keeps the fields of a span until its events come, as JSON objects one after the other.
pub(super) struct Fields {
    pub(super) personal_data: bool,
}

/// The fields of an event or span, in order.
struct Collected {
    personal_data: bool,
    message: String,
    /// The target of an event that came from the `log` crate.
    target: Option<String>,
    fields: Vec<(String, Value)>,
}

impl Collected {
    fn new(personal_data: bool) -> Self {
        Self { personal_data, message: String::new(), target: None, fields: Vec::new() }
    }

    fn put(&mut self, field: &Field, value: Value) {
        let value = match value {
            Value::String(text) if !self.personal_data => Value::from(masked(&text)),
            other => other,
        };
        match field.name() {
            "message" => match value {
                Value::String(text) => self.message = text,
                other => self.message = other.to_string(),
            },
            "log.target" => self.target = value.as_str().map(str::to_owned),
            name if name.starts_with("log.") => {}
            name if !self.personal_data && PERSONAL.contains(&name) => {
                self.fields.push((name.to_owned(), Value::from(REDACTED)));
            }
            name => self.fields.push((name.to_owned(), value)),
        }
    }
}

impl Visit for Collected {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, Value::from(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::from(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        self.put(field, Value::from(text));
    }
}

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut collected = Collected::new(self.personal_data);
        fields.record(&mut collected);
        let object: Map<String, Value> = collected.fields.into_iter().collect();
        write!(writer, "{}", Value::Object(object))
    }
}

impl<S> FormatEvent<S, Fields> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Fields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut collected = Collected::new(self.personal_data);
        event.record(&mut collected);
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let Some(kept) = extensions.get::<FormattedFields<Fields>>() else { continue };
            for object in serde_json::Deserializer::from_str(kept.fields.as_str()).into_iter().flatten() {
                let object: Map<String, Value> = object;
                for (name, value) in object {
                    // What is nearer to the event says it better.
                    if collected.fields.iter().all(|(known, _)| *known != name) {
                        collected.fields.push((name, value));
                    }
                }
            }
        }
        let level = *event.metadata().level();
        let target = collected.target.take().unwrap_or_else(|| event.metadata().target().to_owned());
        let time = crate::clock::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        match self.style {
            Style::Text { time: with_time, color } => {
                let time = with_time.then_some(time);
                text(&mut writer, time.as_deref(), level, color, &target, &collected)
            }
            Style::Json => json(&mut writer, &time, level, &target, &collected),
        }
    }
}

fn text(
    writer: &mut Writer<'_>,
    time: Option<&str>,
    level: Level,
    color: bool,
    target: &str,
    collected: &Collected,
) -> fmt::Result {
    if let Some(time) = time {
        write!(writer, "{time} ")?;
    }
    let paint = match level {
        Level::ERROR => "31",
        Level::WARN => "33",
        Level::INFO => "32",
        _ => "2",
    };
    if color {
        write!(writer, "\x1b[{paint}m{level:>5}\x1b[0m ")?;
    } else {
        write!(writer, "{level:>5} ")?;
    }
    if target != "dirsyncd" && !target.starts_with("dirsyncd::") {
        write!(writer, "{target}: ")?;
    }
    writer.write_str(&one_line(&collected.message))?;
    for (name, value) in &collected.fields {
        match value {
            Value::String(value)
                if value.is_empty() || value.contains([' ', '=', '"']) && !value.starts_with('"') =>
            {
                write!(writer, " {name}={value:?}")?;
            }
            Value::String(value) => write!(writer, " {name}={}", one_line(value))?,
            value => write!(writer, " {name}={value}")?,
        }
    }
    writeln!(writer)
}

fn json(
    writer: &mut Writer<'_>,
    time: &str,
    level: Level,
    target: &str,
    collected: &Collected,
) -> fmt::Result {
    let level = level.as_str().to_ascii_lowercase();
    write!(
        writer,
        "{{\"time\":{},\"level\":{},\"message\":{},\"target\":{}",
        Value::from(time),
        Value::from(level),
        Value::from(collected.message.as_str()),
        Value::from(target)
    )?;
    for (name, value) in &collected.fields {
        if !matches!(name.as_str(), "time" | "level" | "message" | "target") {
            write!(writer, ",{}:{value}", Value::from(name.as_str()))?;
        }
    }
    writeln!(writer, "}}")
}

/// A text from outside must not be able to look like further lines, or move the cursor.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_personal_fields_are_documented() {
        let documented = include_str!("../../../docs/LOGGING.md");
        assert!(documented.contains(&PERSONAL.join(" ")), "{}", PERSONAL.join(" "));
    }
}
