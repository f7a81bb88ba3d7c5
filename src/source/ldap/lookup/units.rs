//! The units below a unit that came into sight: without them, nobody would know later that one of
//! them was moved or renamed.

use crate::model::Found;
use crate::source::shape::Looking;
use crate::source::tally::Tally;

use super::super::containers;
use super::super::trouble::Failure;
use super::super::visit::Visit;
use super::places;

/// Looks up the containers at and below these DNs, as far as they are in the bases.
pub(super) async fn below(visit: &mut Visit<'_>, dns: &[String]) -> Found {
    let mut tally = Tally::default();
    let containers = match places_below(visit, dns, &mut tally).await {
        Ok(below) => {
            let vendor = visit.directory.vendor;
            containers::read(visit.settings, &mut visit.session, vendor, &below, &[], false).await
        }
        Err(failure) => Err(format!("the directory stopped answering: {failure}")),
    };
    let containers = containers.unwrap_or_else(|reason| {
        tally.gap(reason);
        Vec::new()
    });
    Found { containers, ..tally.into_found(Vec::new()) }
}

async fn places_below(
    visit: &mut Visit<'_>,
    dns: &[String],
    tally: &mut Tally,
) -> Result<Vec<String>, Failure> {
    let Visit { session, bases, group_bases, settings, sight, .. } = visit;
    let mut all = sight.bases(Looking::People, session, bases, settings, tally).await?;
    all.extend(sight.bases(Looking::Groups, session, group_bases, settings, tally).await?);
    Ok(places::below(dns, &all))
}
