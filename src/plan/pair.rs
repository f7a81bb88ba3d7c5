//! Which account belongs to a record that has no link yet.
//!
//! By the anchor kept in the cloud first, then by e-mail. Whoever has a link never gets
//! here: a stored link beats both.

use crate::model::{Account, AccountKind, SourceId};

use super::case::Match;

/// The outcome of pairing one record.
#[derive(Debug, PartialEq, Eq)]
pub enum Pairing<'a> {
    /// No account: a newcomer.
    Nobody,
    /// This account.
    Account(&'a Account, Match),
    /// More than one claim; nobody touches it. The reason is a sentence.
    Contested(String),
}

/// Pairs a record with the accounts that the cloud showed under its anchor and its address.
///
/// An account of another kind is never handed on: a person is no room, nor the reverse.
/// `claimed` tells whether an account is linked to another record, and `known` whether an
/// anchor belongs to another record of the source or the snapshot.
pub fn pair<'a>(
    anchor: SourceId,
    kind: AccountKind,
    by_anchor: &'a [Account],
    by_email: &'a [Account],
    claimed: impl Fn(&Account) -> bool,
    known: impl Fn(SourceId) -> bool,
) -> Pairing<'a> {
    if let Some(other) = by_anchor.iter().chain(by_email).find(|account| account.kind != kind) {
        return Pairing::Contested(format!(
            "account {} is a {} in the cloud, and the record is a {}",
            other.id,
            other.kind.word(),
            kind.word()
        ));
    }
    if let [first, rest @ ..] = by_anchor {
        if !rest.is_empty() {
            return Pairing::Contested(format!(
                "{} accounts in the cloud carry the anchor {anchor}",
                by_anchor.len()
            ));
        }
        if claimed(first) {
            return Pairing::Contested(format!(
                "account {} carries this anchor but is linked to another record",
                first.id
            ));
        }
        if let Some(other) = by_email.iter().find(|account| account.id != first.id) {
            return Pairing::Contested(format!(
                "account {} carries the anchor, while account {} has the e-mail address",
                first.id, other.id
            ));
        }
        return Pairing::Account(first, Match::Anchor);
    }
    let [account, rest @ ..] = by_email else { return Pairing::Nobody };
    if !rest.is_empty() {
        return Pairing::Contested(format!(
            "{} accounts in the cloud have the e-mail address",
            by_email.len()
        ));
    }
    if claimed(account) {
        return Pairing::Contested(format!(
            "account {} has the e-mail address but is linked to another record",
            account.id
        ));
    }
    let foreign = account.external_id.as_deref().and_then(|text| text.parse::<SourceId>().ok());
    match foreign {
        Some(other) if other != anchor && known(other) => Pairing::Contested(format!(
            "account {} has the e-mail address but carries the anchor of another record, {other}",
            account.id
        )),
        _ => Pairing::Account(account, Match::Email),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests_support::account;

    #[test]
    fn precedence_and_contests() {
        let me = SourceId::new([1; 16]);
        let other = SourceId::new([2; 16]);
        let mut mine = account("ann");
        mine.external_id = Some(me.to_string());
        let plain = account("bob");
        let mut theirs = account("cid");
        theirs.external_id = Some(other.to_string());
        let none = |_: &Account| false;
        let any = |_: &Account| true;
        let know = |id: SourceId| id == other;
        let p = |a: &[Account], e: &[Account], c: fn(&Account) -> bool| match pair(
            me,
            AccountKind::Person,
            a,
            e,
            c,
            know,
        ) {
            Pairing::Nobody => "nobody".to_owned(),
            Pairing::Account(account, how) => format!("{} {how:?}", account.id),
            Pairing::Contested(_) => "contested".to_owned(),
        };
        let one = |a: &Account| vec![a.clone()];
        let mut room = account("bob");
        room.kind = AccountKind::Room;
        assert_eq!(p(&[], &one(&room), none), "contested");
        assert_eq!(p(&one(&room), &[], none), "contested");
        assert_eq!(p(&[], &[], none), "nobody");
        assert_eq!(p(&one(&mine), &[], none), "id-ann Anchor");
        assert_eq!(p(&one(&mine), &one(&mine), none), "id-ann Anchor");
        assert_eq!(p(&one(&mine), &one(&plain), none), "contested");
        assert_eq!(p(&one(&mine), &[], any), "contested");
        assert_eq!(p(&[mine.clone(), plain.clone()], &[], none), "contested");
        assert_eq!(p(&[], &one(&plain), none), "id-bob Email");
        assert_eq!(p(&[], &one(&plain), any), "contested");
        assert_eq!(p(&[], &one(&theirs), none), "contested");
        theirs.external_id = Some("E-1001".into());
        assert_eq!(p(&[], &one(&theirs), none), "id-cid Email");
    }
}
