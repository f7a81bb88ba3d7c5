//! Whether the places where objects are searched are there for us.

use crate::source::{Fact, Topic};

use super::super::search;
use super::super::trouble::{Failure, Trouble};
use super::super::visit::Visit;
use super::Found;

/// Reads every base.
pub(super) async fn bases(visit: &mut Visit<'_>, found: &mut Found) -> Result<(), Failure> {
    let mut all: Vec<(String, &str)> = visit.bases.iter().map(|base| (base.clone(), "bases")).collect();
    if visit.ask.groups {
        let further = visit.group_bases.iter().filter(|base| !visit.bases.contains(base));
        all.extend(further.map(|base| (base.clone(), "group_bases")));
    }
    let limit = visit.settings.operation_timeout;
    for (base, key) in all {
        let answer = search::one(&mut visit.session, &base, vec!["1.1".into()], limit).await;
        found.facts.push(match answer {
            Ok(Some(_)) => Fact::ok(Topic::Base, format!("base \"{base}\" is there")),
            Ok(None) => Fact::fail(
                Topic::Base,
                format!("base \"{base}\" is NOT there, or hidden from the bind account"),
                format!(
                    "correct {key} of this source, or give the bind account the right to see it: servers hide what \
                     an account may not read"
                ),
            ),
            Err(failure) if failure.ends_the_connection() => return Err(failure),
            Err(failure) => {
                let what = format!("base \"{base}\" is NOT readable: {failure}");
                let Trouble { remedy, .. } = failure.into_trouble(&base);
                Fact::fail(Topic::Base, what, remedy)
            }
        });
    }
    Ok(())
}
