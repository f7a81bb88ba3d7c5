//! Who keeps a licence for a while that no rule gives any more: in a plan everybody, in the status how
//! many and the first of them.
//!
//! A plan decides anew only about those who changed, or about whom it is time. The others are read from the
//! state, so that every plan names the same people until their time is over.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::model::{Catalogue, LicenseId};
use crate::pass::{Fading, Look};
use crate::report::text::{self, Style};
use crate::store::{Keeper, Reader, StoreError};

use super::status::instant;

/// Under this name the times of grace of the last pass are kept in the state.
pub const GRACE: &str = "grace";
/// So many people are named by the status.
const NAMED: usize = 10;

/// A time as text. What is too far away for a date is as good as never.
pub fn date(seconds: i64) -> String {
    instant(seconds).unwrap_or_else(|| "never".into())
}

/// Somebody who keeps a licence.
pub fn document(catalogue: &Catalogue, one: &Fading) -> Value {
    json!({
        "anchor": one.anchor,
        "email": one.email,
        "license": one.license,
        "name": catalogue.name(&one.license),
        "until": date(one.until),
    })
}

/// Writes everybody who keeps something.
///
/// # Errors
///
/// When it cannot be written.
pub fn write(out: &mut dyn Write, style: Style, catalogue: &Catalogue, all: &[Fading]) -> io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    text::heading(out, style, "Kept for a while, although no rule gives it any more")?;
    for one in all {
        line(out, &one.email, catalogue.name(&one.license), &date(one.until))?;
    }
    Ok(())
}

fn line(out: &mut dyn Write, email: &str, name: &str, until: &str) -> io::Result<()> {
    writeln!(out, "  {email:<40} {}, until {until}", text::printable(name))
}

/// For how long licences are kept, as the status needs it: it asks neither rules nor cloud.
pub fn grace(look: &Look) -> Value {
    let all = look.policy.managed.licenses.iter().map(|license| {
        let grace = look.policy.tenure.due(license, 0);
        (license.to_string(), json!({ "name": look.catalogue.name(license), "seconds": grace }))
    });
    Value::Object(all.collect::<Map<_, _>>())
}

/// Who keeps licences, as the state knows it.
#[derive(Default)]
pub struct Kept {
    /// Licences that are kept, of everybody.
    count: u64,
    /// The first of those who keep them, by the time when it is over.
    first: Vec<Keeper>,
    /// By licence, its name, and for how long it is kept.
    known: BTreeMap<LicenseId, (String, i64)>,
}

impl Kept {
    /// What the state says, with the times of grace that a pass noted.
    ///
    /// # Errors
    ///
    /// When the state cannot be read.
    pub fn read(reader: &Reader, noted: Option<&Value>) -> Result<Self, StoreError> {
        let (count, first) = reader.keepers(NAMED)?;
        let noted = noted.and_then(Value::as_object).into_iter().flatten();
        let known = noted.map(|(license, one)| {
            let name = one["name"].as_str().unwrap_or(license).to_owned();
            (LicenseId::new(license.as_str()), (name, one["seconds"].as_i64().unwrap_or(0)))
        });
        Ok(Self { count, first, known: known.collect() })
    }

    fn each(&self) -> impl Iterator<Item = (&Keeper, &LicenseId, &str, i64)> {
        let all =
            self.first.iter().flat_map(|one| one.fading.iter().map(move |(id, since)| (one, id, since)));
        let named = all.map(|(one, id, since)| {
            let known = self.known.get(id);
            let (name, grace) = known.map_or((id.as_str(), 0), |(name, grace)| (name, *grace));
            (one, id, name, since.saturating_add(grace))
        });
        named.take(NAMED)
    }

    /// As JSON.
    pub fn document(&self) -> Value {
        let first = self.each().map(|(one, license, name, until)| {
            json!({
                "anchor": one.anchor, "email": one.email, "license": license, "name": name,
                "until": date(until),
            })
        });
        json!({ "count": self.count, "first": first.collect::<Vec<_>>() })
    }

    /// As text.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, out: &mut dyn Write, style: Style) -> io::Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let heading = format!("Kept for a while, although no rule gives it any more: {}", self.count);
        text::heading(out, style, &heading)?;
        let mut told = 0;
        for (one, _, name, until) in self.each() {
            line(out, one.email.as_str(), name, &date(until))?;
            told += 1;
        }
        if self.count > told {
            writeln!(out, "  ... and {} more", self.count - told)?;
        }
        Ok(())
    }
}
