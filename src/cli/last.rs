//! What the last pass saw, kept in the state for commands that do not ask the cloud.

use serde_json::{Map, Value, json};

use crate::clock;
use crate::cloud::CloudRead;
use crate::cloud::webex::WebexReader;
use crate::model::{Catalogue, License, LicenseId, LicenseKind};
use crate::store::{Reader, Store};

use super::exit::Failure;
use super::outcome::Report;
use super::{kept, seats};

/// Under this name the seats of the last pass are kept in the state.
pub const SEATS: &str = "seats";
/// Where the licences are kept that templates of the cloud give to new accounts.
pub const COMPETING: &str = "competing";
/// Under this name the time of the last pass that listed the whole cloud is kept.
pub const LAST_FULL: &str = "last_full";
/// Where the names of licences are, by id.
const NAMES: &str = "names";

/// Notes which licences new accounts had by themselves. A pass that created accounts knows; another one
/// leaves what is known.
fn note_competing(extra: &mut Map<String, Value>, report: &Report) {
    if report.counts.create == 0 {
        return;
    }
    let time = clock::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let all = report.uncalled.iter().map(|(license, people)| {
        let name = report.catalogue.name(license);
        json!({ "license": license, "name": name, "people": people, "time": time })
    });
    let all: Vec<Value> = all.collect();
    match all.is_empty() {
        true => drop(extra.remove(COMPETING)),
        false => drop(extra.insert(COMPETING.into(), Value::Array(all))),
    }
}

/// Keeps what `status` shows without asking the cloud.
pub(super) async fn remember(store: &Store, report: &Report, cloud: &WebexReader) -> Result<(), Failure> {
    let touched = report.counts.license_add + report.counts.license_remove + report.counts.delete > 0;
    let fresh = if touched && report.fatal.is_none() && !report.stopped {
        // The numbers are for people; without an answer the older ones do.
        cloud.catalogue().await.ok()
    } else {
        None
    };
    let seats = seats::brought_up(&report.seats, fresh.as_ref().unwrap_or(&report.catalogue));
    let mut meta = store.reader().meta()?;
    let before = meta.extra.clone();
    meta.extra.insert(SEATS.into(), Value::Array(seats));
    note_names(&mut meta.extra, fresh.as_ref().unwrap_or(&report.catalogue));
    meta.extra.insert(kept::GRACE.into(), report.grace.clone());
    note_competing(&mut meta.extra, report);
    if report.strays.is_some() && report.fatal.is_none() && !report.stopped {
        meta.extra.insert(LAST_FULL.into(), json!(clock::now().timestamp()));
    }
    if meta.extra != before {
        store.set_meta(meta).await?;
    }
    Ok(())
}

fn note_names(extra: &mut Map<String, Value>, catalogue: &Catalogue) {
    let names: Map<String, Value> =
        catalogue.0.iter().map(|one| (one.id.to_string(), json!(one.name))).collect();
    extra.insert(NAMES.into(), names.into());
}

/// The licences by the names that the last pass saw.
///
/// # Errors
///
/// When the state cannot be read.
pub fn catalogue(reader: &Reader) -> Result<Catalogue, Failure> {
    let meta = reader.meta()?;
    let names = meta.extra.get(NAMES).and_then(Value::as_object).into_iter().flatten();
    let licenses = names.filter_map(|(id, name)| {
        Some(License {
            id: LicenseId::new(id.as_str()),
            name: name.as_str()?.to_owned(),
            service: None,
            kind: LicenseKind::Paid,
            subscription: None,
            site: None,
            total: None,
            consumed: 0,
        })
    });
    Ok(Catalogue(licenses.collect()))
}
