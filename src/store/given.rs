//! What people still have from us, whatever the rules say today.

use rusqlite::Connection;

use crate::model::{Attr, Given};

use super::error::nonsense;
use super::{Reader, StoreError, journal};

impl Reader {
    /// Licences and roles that anybody has from us, or may have. Looks at everybody.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn given(&self) -> Result<Given, StoreError> {
        self.read("reading what was given", all)
    }
}

/// Everything that anybody was given and not yet deprived of; and what calls may have given whose
/// answers never came.
fn all(db: &Connection) -> rusqlite::Result<Given> {
    let mut all = Given::default();
    let mut select = db.prepare_cached("SELECT DISTINCT given FROM person WHERE given <> '{}'")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let given: Given = serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(nonsense)?;
        all.licenses.extend(given.licenses);
        all.roles.extend(given.roles);
    }
    for intent in journal::open(db)?.into_iter().chain(journal::unconfirmed(db)?) {
        for change in intent.action.changes {
            match change.field {
                Attr::License(id) => drop(all.licenses.insert(id)),
                Attr::Role(id) => drop(all.roles.insert(id)),
                _ => {}
            }
        }
    }
    Ok(all)
}
