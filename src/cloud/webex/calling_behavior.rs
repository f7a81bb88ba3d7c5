//! With which application somebody calls, and the UC Manager profile that goes with it.
//!
//! Webex keeps both together beside the account, under the Calling settings of a person, and no listing
//! shows them. The vendor does not say whether a key that is left out keeps its value. So what is there is
//! read, and both are written.

use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::doubt::open;
use super::link::{Link, Request, parse};
use super::writer::{LOOKS, account_of, internal};
use super::{fault, ids};
use crate::cloud::http::Effect;
use crate::cloud::{CloudError, CloudErrorKind, Order};
use crate::model::{Attr, CloudId, Field};

/// Our words and those of Webex.
const WORDS: &[(&str, &str)] = &[
    ("webex", "NATIVE_WEBEX_TEAMS_CALLING"),
    ("webex_calling", "CALL_WITH_APP_REGISTERED_FOR_WEBEXCALLTEL"),
    (UNIFIED_CM, "NATIVE_SIP_CALL_TO_UCM"),
    ("jabber", "CALL_WITH_APP_REGISTERED_FOR_CISCOTEL"),
    ("third_party", "CALL_WITH_APP_REGISTERED_FOR_TEL"),
];

/// The only one that a profile goes with.
const UNIFIED_CM: &str = "unified_cm";

/// What Webex keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    #[serde(default)]
    behavior_type: Option<String>,
    #[serde(default)]
    profile_id: Option<String>,
}

/// A UC Manager profile of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct UcProfile {
    id: String,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UcProfiles {
    #[serde(default)]
    calling_profiles: Vec<UcProfile>,
}

/// Carries out orders on settings: one result per order, in order.
pub(super) async fn write(link: &Link, orders: &[Order<'_>]) -> Vec<Result<CloudId, CloudError>> {
    let named = |order: &Order<'_>| matches!(wanted(order, Field::UcProfile), Some(Some(_)));
    let known = match orders.iter().any(named) {
        true => Some(profiles(link).await),
        false => None,
    };
    let calls: Vec<_> = orders.iter().map(|order| one(link, order, known.as_ref())).collect();
    stream::iter(calls).buffered(LOOKS).collect().await
}

/// The names of the UC Manager profiles of the organization.
pub(super) async fn names(link: &Link) -> Result<Vec<String>, CloudError> {
    Ok(profiles(link).await?.into_iter().map(|profile| profile.name).collect())
}

async fn profiles(link: &Link) -> Result<Vec<UcProfile>, CloudError> {
    let query = vec![("orgId", link.home().await?.public.clone())];
    let all: UcProfiles = link.read(Request::get("/v1/telephony/config/callingProfiles", query)).await?;
    Ok(all.calling_profiles)
}

/// What an order makes of a setting; `None` when it does not speak of it.
fn wanted<'a>(order: &Order<'a>, field: Field) -> Option<Option<&'a str>> {
    let change = order.action.changes.iter().find(|change| change.field == Attr::Field(field))?;
    Some(change.to.as_deref())
}

async fn one(
    link: &Link,
    order: &Order<'_>,
    known: Option<&Result<Vec<UcProfile>, CloudError>>,
) -> Result<CloudId, CloudError> {
    let id = account_of(order).ok_or_else(|| internal("a setting does not say whose it is"))?;
    let path = format!("/v1/people/{}/features/callingBehavior", ids::public(ids::PEOPLE, id.as_str()));
    let query = || async { Ok::<_, CloudError>(vec![("orgId", link.home().await?.public.clone())]) };
    let answer = link.call(Request::get(path.clone(), query().await?)).await?;
    if !answer.is_success() {
        return Err(fault::error(&answer));
    }
    let kept: Kept = parse(&answer)?;
    let next = after(order, &kept, known)?;
    if next == kept {
        return Ok(id.clone());
    }
    let body = json!({ "behaviorType": next.behavior_type, "profileId": next.profile_id });
    let answer = link
        .call(Request {
            method: Method::PUT,
            path,
            query: query().await?,
            body: Some(body.to_string().into_bytes()),
            effect: Effect::Repeatable,
        })
        .await?;
    if answer.is_success() {
        return Ok(id.clone());
    }
    let error = fault::error(&answer);
    // An earlier sending may have arrived, whatever this one is told.
    Err(if answer.repeated && error.kind != CloudErrorKind::NotFound { open(error) } else { error })
}

/// What is to be kept after an order.
fn after(
    order: &Order<'_>,
    kept: &Kept,
    known: Option<&Result<Vec<UcProfile>, CloudError>>,
) -> Result<Kept, CloudError> {
    let mut next = kept.clone();
    if let Some(to) = wanted(order, Field::CallingBehavior) {
        next.behavior_type = match to {
            None => None,
            Some(word) => {
                let found = WORDS.iter().find(|(ours, _)| *ours == word);
                Some(found.ok_or_else(|| unknown("calling behaviour", word))?.1.to_owned())
            }
        };
    }
    if let Some(to) = wanted(order, Field::UcProfile) {
        next.profile_id = match to {
            None => None,
            Some(wanted) => Some(profile_id(wanted, known)?),
        };
    }
    let with_profile = WORDS.iter().find(|(ours, _)| *ours == UNIFIED_CM).map(|(_, theirs)| *theirs);
    if next.behavior_type.is_some() && next.behavior_type.as_deref() != with_profile {
        next.profile_id = None;
    }
    Ok(next)
}

/// The id of a profile that a rule names, or gives by its id.
fn profile_id(
    wanted: &str,
    known: Option<&Result<Vec<UcProfile>, CloudError>>,
) -> Result<String, CloudError> {
    match known {
        Some(Ok(known)) => {
            let by_id = known.iter().find(|profile| profile.id == wanted);
            let found = by_id.or_else(|| {
                known.iter().find(|profile| profile.name.to_lowercase() == wanted.to_lowercase())
            });
            found.map(|profile| profile.id.clone()).ok_or_else(|| unknown("UC Manager profile", wanted))
        }
        // Without the right to see profiles, or without any, nothing is known of this person's; others go on.
        Some(Err(error)) if matches!(error.kind, CloudErrorKind::Refused | CloudErrorKind::NotFound) => {
            Err(CloudError {
                kind: CloudErrorKind::Rejected,
                remedy: "authorise with the scope spark-admin:telephony_config_read, which shows the UC Manager profiles"
                    .into(),
                ..error.clone()
            })
        }
        Some(Err(error)) => Err(error.clone()),
        None => Err(unknown("UC Manager profile", wanted)),
    }
}

fn unknown(what: &str, name: &str) -> CloudError {
    CloudError::new(
        CloudErrorKind::Rejected,
        format!("there is no {what} \"{name}\""),
        "correct the name in people.mapping, or make the profile in Control Hub under Calling",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, CALLING_BEHAVIORS, Cause, Change, Kind, SourceId};

    #[test]
    fn every_word_has_one_of_webex() {
        let ours: Vec<&str> = WORDS.iter().map(|(ours, _)| *ours).collect();
        assert_eq!(ours, CALLING_BEHAVIORS);
    }

    #[test]
    fn what_is_not_ours_stays_and_a_profile_goes_with_unified_cm_alone() {
        use Field::{CallingBehavior as B, UcProfile as P};
        let known = Ok(vec![
            UcProfile { id: "id-1".into(), name: "Leeds".into() },
            UcProfile { id: "Leeds2".into(), name: "x".into() },
        ]);
        let kept = |behavior: Option<&str>, profile: Option<&str>| Kept {
            behavior_type: behavior.map(Into::into),
            profile_id: profile.map(Into::into),
        };
        let ucm = Some("NATIVE_SIP_CALL_TO_UCM");
        let jabber = Some("CALL_WITH_APP_REGISTERED_FOR_CISCOTEL");
        for (from, changes, to) in [
            (
                kept(None, None),
                vec![(B, Some("unified_cm")), (P, Some("leeds"))],
                Ok(kept(ucm, Some("id-1"))),
            ),
            (kept(None, Some("id-1")), vec![(B, Some("unified_cm"))], Ok(kept(ucm, Some("id-1")))),
            (kept(ucm, Some("id-1")), vec![(P, Some("Leeds2"))], Ok(kept(ucm, Some("Leeds2")))),
            (kept(ucm, Some("id-1")), vec![(B, None)], Ok(kept(None, Some("id-1")))),
            (kept(ucm, Some("id-1")), vec![(B, None), (P, None)], Ok(kept(None, None))),
            (kept(ucm, Some("id-1")), vec![(B, Some("jabber"))], Ok(kept(jabber, None))),
            (kept(None, None), vec![(P, Some("York"))], Err("there is no UC Manager profile \"York\"")),
            (kept(None, None), vec![(B, Some("drums"))], Err("there is no calling behaviour \"drums\"")),
        ] {
            let action = Action {
                kind: Kind::Update,
                anchor: SourceId::new([1; 16]),
                who: "ann@example.com".parse().unwrap(),
                dn: None,
                cloud_id: None,
                changes: changes
                    .into_iter()
                    .map(|(field, to)| Change::new(Attr::Field(field), None, to.map(Into::into)))
                    .collect(),
                cause: Cause::Entitled,
            };
            let order = Order { action: &action, cloud_id: None };
            assert_eq!(
                after(&order, &from, Some(&known)).map_err(|error| error.what),
                to.map_err(Into::into)
            );
        }
    }
}
