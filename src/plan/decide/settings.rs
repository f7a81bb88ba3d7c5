//! Settings of a person, which the cloud keeps beside the account and no listing shows.
//!
//! They are compared with what we last wrote. So what others set there stays, until a rule says
//! something; and what no rule says any more goes back to the default of the organization only where it
//! was ours.

use super::Draft;
use crate::model::{Attr, Cause, Change, Field, FieldSet, Kind, Person, Profile, UNSURE};

impl Draft<'_> {
    /// Plans what differs of these fields.
    pub(super) fn settings(&mut self, person: &Person, applied: &Profile, fields: FieldSet) {
        let differs =
            |field: &Field| fields.contains(*field) && applied.get(field) != person.profile.get(field);
        let change = |field: Field| {
            let to = person.profile.get(&field).filter(|to| *to != UNSURE);
            Change::new(Attr::Field(field), applied.get(&field).cloned(), to.cloned())
        };
        let changes: Vec<Change> = Field::SETTINGS.into_iter().filter(differs).map(change).collect();
        // Without an account nothing was ever set: what the directory does not say needs no reset.
        let changes: Vec<Change> =
            changes.into_iter().filter(|change| change.from.is_some() || change.to.is_some()).collect();
        if changes.is_empty() {
            return;
        }
        let given = changes.iter().any(|change| change.to.is_some());
        let cause = if given { Cause::Entitled } else { Cause::NotEntitled };
        self.push(Kind::Update, &person.email, changes, cause);
    }
}
