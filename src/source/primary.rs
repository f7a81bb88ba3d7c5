//! The primary group of Active Directory, which lists none of its members.
//!
//! Everybody's membership in it stands as a number in the person's own entry. Groups are
//! read first, so that the number can be turned into the group's DN.

use std::collections::HashMap;

use crate::model::{Attribute, Record, RecordKind};

use super::ad;

/// The groups met so far, by SID; and those that were looked for and are none.
#[derive(Default)]
pub(super) struct PrimaryGroups {
    by_sid: HashMap<Vec<u8>, Option<String>>,
}

impl PrimaryGroups {
    /// Remembers a group; gives a person the attribute `primaryGroup` with the group's DN.
    /// `sid` and `group_id` are the entry's `objectSid` and `primaryGroupID`.
    pub(super) fn meet(&mut self, record: &mut Record, sid: Option<Vec<u8>>, group_id: Option<Vec<u8>>) {
        let Some(sid) = sid else { return };
        if record.kind == RecordKind::Group {
            self.by_sid.insert(sid, Some(record.dn.clone()));
        } else if let Some(group_id) = group_id
            && let Some(dn) =
                ad::primary_group_sid(&sid, &group_id).and_then(|sid| self.by_sid.get(&sid)?.as_ref())
        {
            let values = vec![dn.clone().into_bytes()];
            record.attributes.push(Attribute { name: "primaryGroup".into(), values });
        }
    }

    /// Remembers that no group was found for a SID, unless one was.
    pub(super) fn none(&mut self, sid: Vec<u8>) {
        self.by_sid.entry(sid).or_default();
    }

    /// Whether it is settled what group this is.
    pub(super) fn knows(&self, sid: &[u8]) -> bool {
        self.by_sid.contains_key(sid)
    }
}
