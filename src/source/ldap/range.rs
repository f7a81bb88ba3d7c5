//! Attributes with more values than one answer holds.
//!
//! Active Directory gives at most 1500 values of an attribute at once, as
//! `member;range=0-1499`; the rest is asked for piece by piece ([MS-ADTS] 3.1.1.3.1.3.3).

use std::time::Duration;

use ldap3::Ldap;

use super::decode::{Entry, Open};
use super::search;
use super::trouble::Failure;

/// Fetches all missing values into the entry.
pub(super) async fn complete(ldap: &mut Ldap, entry: &mut Entry, limit: Duration) -> Result<(), Failure> {
    for Open { name, mut next } in std::mem::take(&mut entry.open) {
        loop {
            let request = vec![format!("{name};range={next}-*")];
            let Some(part) = search::entry_at(ldap, &entry.dn, request, limit).await? else {
                return Err(Failure::Nonsense("the entry disappeared while its values were read".into()));
            };
            let mut got = 0;
            for mut attribute in part.attributes.into_iter().filter(|attribute| attribute.name == name) {
                got += attribute.values.len();
                match entry.attributes.iter_mut().find(|known| known.name == name) {
                    Some(known) => known.values.append(&mut attribute.values),
                    None => entry.attributes.push(attribute),
                }
            }
            match part.open.into_iter().find(|open| open.name == name) {
                None => break,
                Some(open) if got > 0 && open.next > next => next = open.next,
                Some(_) => return Err(Failure::Nonsense(format!("the rest of {name} does not come"))),
            }
        }
    }
    Ok(())
}
