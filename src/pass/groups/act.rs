//! Groups are carried out, when the people of a pass are there.

use crate::apply::{Hands, carry_out_groups};
use crate::clock;
use crate::guard::Finding;
use crate::pass::{Acted, Look, PassError};
use crate::report::Event;
use crate::store::Regrouping;

/// The groups of the cloud: compared with the people as they are now, weighed, and carried out.
///
/// # Errors
///
/// When the store fails; trouble with the cloud is in the result.
pub async fn act_on_groups(look: Look, hands: &Hands, acted: &mut Acted) -> Result<Look, PassError> {
    if look.reading.memberships.chosen.is_none() {
        return Ok(look);
    }
    let unawares = look.groups_created_unawares()?;
    if !unawares.is_empty() {
        hands.store.settle(clock::now().timestamp(), unawares).await?;
    }
    let comparing = tokio::task::spawn_blocking(move || {
        let plan = match look.group_view(false)? {
            Some(view) => {
                let followed = look.reader.to_regroup()?;
                let primary = view.primary.clone().into_iter().collect();
                Some((view.compare()?, followed, primary))
            }
            None => None,
        };
        Ok::<_, PassError>((plan, look))
    });
    let compared = comparing.await.map_err(|e| PassError::fault(format!("comparing groups stopped: {e}")))?;
    let (plan, look) = compared?;
    let Some((plan, followed, primary)) = plan else { return Ok(look) };
    let planned = plan.groups.iter().filter_map(|group| group.work.before.as_ref());
    // Of a group that is withheld nothing was compared: what led to it must not be forgotten.
    let withheld = plan.withheld.iter().filter_map(|one| one.anchor);
    let open = planned.map(|link| link.anchor).chain(withheld).collect();
    // First: from here on a pass that is killed does not forget which groups are not finished.
    let regrouping = Regrouping { open, followed, primary };
    if regrouping != Regrouping::default() {
        hands.store.regroup(regrouping).await?;
    }
    for finding in &plan.findings {
        (hands.events)(Event::Objection(finding.clone()));
    }
    for one in &plan.withheld {
        (hands.events)(Event::Withheld(one.clone()));
    }
    let actions = plan.groups.iter().map(|group| group.work.checked.plan().actions.len() as u64).sum();
    if !plan.groups.is_empty() {
        let (groups, without) = (plan.groups.len() as u64, plan.without);
        (hands.events)(Event::PlannedGroups { groups, actions, without });
    }
    let mut works = Vec::with_capacity(plan.groups.len());
    for group in plan.groups {
        acted.held.extend(group.held);
        works.push(group.work);
    }
    let outcomes = carry_out_groups(hands, works).await?;
    for (kind, count) in outcomes.done {
        *acted.done.entry(kind).or_default() += count;
    }
    acted.failed.extend(outcomes.failed);
    acted.lost |= outcomes.lost;
    acted.stopped |= outcomes.stopped;
    acted.fatal = outcomes.fatal;
    acted.withheld.extend(plan.withheld);
    acted.kept.extend(plan.kept);
    acted.without_account = plan.without;
    let told = acted.findings.clone();
    let known =
        |finding: &Finding| look.guard.findings().iter().chain(&told).any(|other| other.code == finding.code);
    let new: Vec<Finding> = plan.findings.into_iter().filter(|finding| !known(finding)).collect();
    acted.findings.extend(new);
    Ok(look)
}
