//! The names of licences as the last pass saw them, for commands that do not ask the cloud.

use serde_json::{Map, Value, json};

use crate::model::{Catalogue, License, LicenseId, LicenseKind};
use crate::store::Reader;

use super::exit::Failure;

/// Where they are remembered, by id.
const NAMES: &str = "names";

/// Remembers them.
pub(super) fn note(extra: &mut Map<String, Value>, catalogue: &Catalogue) {
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
