//! A person stays a person, and a room a room: who seems to have become the other is withheld.
//!
//! Both have accounts of one sort, and are told apart by marks that an administrator sets by hand
//! or a filter finds. A slip there must not take licences and log-in from a person, nor let
//! somebody work as a room.

use crate::model::{Account, AccountKind, Record, SnapshotRow, Wanted, Withheld};

/// The stable code.
const CODE: &str = "kind_change";

/// Whether this is why somebody is withheld.
pub fn is_withheld(wanted: &Wanted) -> bool {
    matches!(wanted, Wanted::Withheld(withheld) if withheld.code == CODE)
}

/// The record of somebody linked is of the other kind now.
pub fn changed_in_directory(record: &Record, linked: AccountKind, now: AccountKind) -> Withheld {
    let remedy = match now {
        AccountKind::Room => {
            "if it is no room, correct the mark in the directory (msExchResourceMetaData, the class room, or \
             room_filter); if it is one now, delete the account in the cloud, and a new one is made"
        }
        AccountKind::Person => {
            "if it is a room, restore the mark in the directory (msExchResourceMetaData, the class room, or \
             room_filter); if it is a person now, delete the account in the cloud, and a new one is made"
        }
    };
    Withheld {
        anchor: Some(record.anchor),
        dn: record.dn.clone(),
        code: CODE.into(),
        reason: format!(
            "the directory calls it a {} now, and its account in the cloud is that of a {}",
            now.word(),
            linked.word()
        ),
        remedy: remedy.into(),
    }
}

/// The account of somebody linked is of the other kind now.
pub fn changed_in_cloud(row: &SnapshotRow, account: &Account) -> Withheld {
    Withheld {
        anchor: Some(row.anchor),
        dn: row.dn.clone(),
        code: CODE.into(),
        reason: format!(
            "account {} is a {} in the cloud now, and was linked as a {}",
            account.id,
            account.kind.word(),
            row.applied.kind.word()
        ),
        remedy: "look in the cloud who changed its userType, and restore it; or delete the account, and a new one is \
                 made"
            .into(),
    }
}
