//! What the account that asks can see: without that, nothing found proves nothing.
//!
//! A directory hides what an account may not read, and answers success. So before absence is
//! concluded from a lookup, every base must itself be readable, and somebody must be visible
//! there at all.

use crate::source::primary::PrimaryGroups;
use crate::source::shape::Looking;
use crate::source::tally::Tally;

use super::connect::Session;
use super::question::Question;
use super::search;
use super::settings::Settings;
use super::trouble::Failure;

/// What is known about that, for the time of one visit.
#[derive(Default)]
pub(super) struct Sight {
    people: Seen,
    groups: Seen,
    /// The primary groups of the people met.
    pub primary: PrimaryGroups,
}

/// One kind of objects.
#[derive(Default)]
struct Seen {
    /// The bases, first as configured and then as the server writes them. Empty when not yet read.
    bases: Vec<(String, String)>,
    /// The first of the filters that anything matches.
    filter: Option<String>,
}

/// A place to search: a base as configured, and as the server writes it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub base: String,
    /// The same as `base` while the server did not show it.
    pub dn: String,
}

impl Sight {
    /// The bases, each read. One that cannot be is a gap.
    pub(super) async fn bases(
        &mut self,
        looking: Looking,
        session: &mut Session,
        bases: &[String],
        settings: &Settings,
        tally: &mut Tally,
    ) -> Result<Vec<Place>, Failure> {
        let seen = self.seen(looking);
        let mut places = Vec::new();
        for base in bases {
            if let Some((_, dn)) = seen.bases.iter().find(|(known, _)| known == base) {
                places.push(Place { base: base.clone(), dn: dn.clone() });
                continue;
            }
            let mut place = Place { base: base.clone(), dn: base.clone() };
            match search::one(session, base, vec!["1.1".into()], settings.operation_timeout).await {
                Ok(Some(entry)) => {
                    seen.bases.push((base.clone(), entry.dn.clone()));
                    place.dn = entry.dn;
                }
                Ok(None) => tally.gap(format!(
                    "the base \"{base}\" is not there, or hidden from the account that reads: nothing found \
                     there proves nothing"
                )),
                Err(failure) if failure.ends_the_connection() => return Err(failure),
                Err(failure) => tally.gap(format!("the base \"{base}\" cannot be read: {failure}")),
            }
            places.push(place);
        }
        Ok(places)
    }

    /// The filter that a full read would use: the first that anything matches. `None`, with a gap,
    /// when nothing matches any of them.
    pub(super) async fn filter(
        &mut self,
        question: &Question,
        session: &mut Session,
        bases: &[String],
        settings: &Settings,
        tally: &mut Tally,
    ) -> Result<Option<String>, Failure> {
        let what = question.what();
        let seen = self.seen(question.looking);
        if let Some(filter) = &seen.filter {
            return Ok(Some(filter.clone()));
        }
        for filter in &question.filters {
            for base in bases {
                match search::anything(session, base, filter, settings.operation_timeout).await {
                    Ok(true) => {
                        seen.filter = Some(filter.clone());
                        return Ok(Some(filter.clone()));
                    }
                    Ok(false) => {}
                    Err(failure) if failure.ends_the_connection() => return Err(failure),
                    Err(failure) => {
                        tally.gap(format!("looking for any {what} under \"{base}\": {failure}"));
                        return Ok(None);
                    }
                }
            }
        }
        tally.gap(format!(
            "no {what} match {} under \"{}\": an empty directory proves nothing",
            question.filters.join(" or "),
            bases.join("\", \"")
        ));
        Ok(None)
    }

    /// Notes that something matches the only filter.
    pub(super) fn saw(&mut self, question: &Question) {
        if let [only] = question.filters.as_slice() {
            self.seen(question.looking).filter.get_or_insert_with(|| only.clone());
        }
    }

    /// Rooms and contacts are searched where people are.
    fn seen(&mut self, looking: Looking) -> &mut Seen {
        match looking {
            Looking::Groups => &mut self.groups,
            _ => &mut self.people,
        }
    }
}
