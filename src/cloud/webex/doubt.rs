//! A sending that was not answered may have been carried out, and whatever a later sending is
//! answered says nothing about it: a patch is refused because it is done already, or because the
//! token expired in between. The account is read, and shows what became of it.

use futures_util::{StreamExt, stream};

use super::bulk::{Operation, Verb};
use super::link::Link;
use super::reader::read_account;
use super::writer::{LOOKS, account_of};
use crate::cloud::{CloudError, CloudErrorKind, Order};
use crate::model::{Account, Action, Attr, CloudId, Kind};

/// What is not known about the earlier sendings of an operation on an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// Nothing: every sending was answered.
    Nothing,
    /// The service failed in the middle of it and said so: it is over, with or without an effect.
    Failed,
    /// No answer came: it may even be under way still.
    Lost,
}

/// How an order ended, as far as is known yet.
type Ended = Option<Result<CloudId, CloudError>>;

/// How much of an action an account shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    All,
    Part,
    Nothing,
}

/// The doubts about the orders of a batch.
#[derive(Debug)]
pub(super) struct Doubts(Vec<Doubt>);

impl Doubts {
    pub(super) fn none(orders: usize) -> Self {
        Self(vec![Doubt::Nothing; orders])
    }

    /// Whatever is answered later, some sending may have been carried out. Creates are not sent
    /// again: their doubt is the caller's.
    pub(super) fn note(&mut self, operation: &Operation, doubt: Doubt) {
        if operation.verb != Verb::Post {
            let worst = &mut self.0[operation.index];
            *worst = doubt.max(*worst);
        }
    }

    /// Reads before any refusal is believed that came after a doubtful sending.
    pub(super) async fn settle(&self, link: &Link, orders: &[Order<'_>], results: &mut [Ended]) {
        let mut refused = Vec::new();
        for (index, doubt) in self.0.iter().enumerate() {
            if *doubt > Doubt::Nothing
                && let (Some(Err(error)), Some(id)) = (&results[index], account_of(&orders[index]))
            {
                refused.push((index, id.clone(), *doubt, error.clone()));
            }
        }
        let mut settled = stream::iter(refused)
            .map(|(index, id, doubt, error)| async move {
                (index, settle_one(link, orders[index].action, &id, doubt, error).await)
            })
            .buffer_unordered(LOOKS);
        while let Some((index, result)) = settled.next().await {
            results[index] = Some(result);
        }
    }
}

/// The end of an operation that was refused after a doubtful sending: done, if the account shows
/// it; refused, if that is certain; [`CloudErrorKind::Ambiguous`] otherwise.
async fn settle_one(
    link: &Link,
    action: &Action,
    id: &CloudId,
    doubt: Doubt,
    refusal: CloudError,
) -> Result<CloudId, CloudError> {
    if refusal.kind.ends_pass() {
        // Nothing more is to be asked.
        return Err(open(refusal));
    }
    match read_account(link, id).await {
        Ok(None) if action.kind == Kind::Delete => Ok(id.clone()),
        Ok(None) => Err(CloudError { kind: CloudErrorKind::NotFound, ..refusal }),
        Ok(Some(account)) => match shown(action, &account) {
            Shown::All => Ok(id.clone()),
            Shown::Nothing if doubt < Doubt::Lost => Err(refusal),
            Shown::Part | Shown::Nothing => Err(open(refusal)),
        },
        Err(_) => Err(open(refusal)),
    }
}

/// A refusal that proves nothing; what says so already stays as it is.
pub(super) fn open(refusal: CloudError) -> CloudError {
    match refusal.kind {
        CloudErrorKind::Ambiguous | CloudErrorKind::Unreachable | CloudErrorKind::Unintelligible => refusal,
        CloudErrorKind::Throttled { .. }
        | CloudErrorKind::Refused
        | CloudErrorKind::Conflict
        | CloudErrorKind::NotFound
        | CloudErrorKind::Rejected
        | CloudErrorKind::Stopped => CloudError {
            kind: CloudErrorKind::Ambiguous,
            what: format!(
                "{}; an earlier sending was not answered, and may have been carried out",
                refusal.what
            ),
            remedy: "nothing: the account is looked up before it is written again".into(),
            ..refusal
        },
    }
}

fn shown(action: &Action, account: &Account) -> Shown {
    if action.kind == Kind::Delete {
        return Shown::Nothing;
    }
    let implied = match action.kind {
        Kind::Deactivate => Some(!account.active),
        Kind::Reactivate => Some(account.active),
        _ => None,
    };
    let changes = action.changes.iter().map(|change| {
        let to = change.to.as_deref();
        match &change.field {
            Attr::Email => to == account.email.as_ref().map(|email| email.as_str()),
            Attr::Active => to == Some(if account.active { "true" } else { "false" }),
            Attr::ExternalId => to == account.external_id.as_deref(),
            Attr::Field(field) => to == account.profile.get(field).map(String::as_str),
            Attr::Role(role) => to.is_some() == account.roles.contains(role),
            // Licences are assigned on another way, and no account shows them, nor its groups.
            Attr::License(_) | Attr::Member(_) => false,
        }
    });
    let (mut all, mut any) = (true, false);
    for seen in changes.chain(implied) {
        all &= seen;
        any |= seen;
    }
    match (all, any) {
        (true, _) => Shown::All,
        (false, true) => Shown::Part,
        (false, false) => Shown::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Change, Field, Profile, RoleId, SourceId};

    #[test]
    fn an_account_shows_all_some_or_nothing_of_an_action() {
        let account = Account {
            id: CloudId::new("a"),
            kind: Default::default(),
            email: "Ann@example.com".parse().ok(),
            external_id: Some("x".into()),
            active: false,
            profile: Profile::from([(Field::Title, "Boss".to_owned())]),
            roles: [RoleId::new("r")].into(),
            calling_owns_work_phone: false,
        };
        let title = |to: Option<&str>| Change::new(Attr::Field(Field::Title), None, to.map(Into::into));
        let city = |to: Option<&str>| Change::new(Attr::Field(Field::City), None, to.map(Into::into));
        let of = |field: Attr, to: Option<&str>| Change::new(field, None, to.map(Into::into));
        let role = |id: &str, to: Option<&str>| of(Attr::Role(RoleId::new(id)), to);
        for (kind, changes, expected) in [
            (Kind::Update, vec![title(Some("Boss")), city(None)], Shown::All),
            (Kind::Update, vec![title(Some("Boss")), city(Some("Leeds"))], Shown::Part),
            (Kind::Update, vec![title(None), city(Some("Leeds"))], Shown::Nothing),
            (Kind::Update, vec![of(Attr::Email, Some("Ann@example.com"))], Shown::All),
            (Kind::Update, vec![of(Attr::Email, Some("ann@example.com"))], Shown::Nothing),
            (Kind::Adopt, vec![of(Attr::ExternalId, Some("x"))], Shown::All),
            (Kind::RoleChange, vec![role("r", Some("held")), role("s", None)], Shown::All),
            (Kind::RoleChange, vec![role("r", None)], Shown::Nothing),
            (Kind::Deactivate, vec![], Shown::All),
            (Kind::Deactivate, vec![of(Attr::Active, Some("false"))], Shown::All),
            (Kind::Reactivate, vec![], Shown::Nothing),
            (Kind::Delete, vec![], Shown::Nothing),
        ] {
            let action = Action {
                kind,
                anchor: SourceId::new([1; 16]),
                who: "ann@example.com".parse().unwrap(),
                dn: None,
                cloud_id: None,
                changes,
                cause: Cause::Desired,
            };
            assert_eq!(shown(&action, &account), expected, "{kind} {:?}", action.changes);
        }
    }
}
