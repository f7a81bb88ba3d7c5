//! The accounts that the cloud showed and that are not linked, or differ from what was applied.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::{Late, Stage, answer};
use crate::model::{Account, Key, SourceId};
use crate::store::StoreError;
use crate::store::error::nonsense;

pub(super) const SCHEMA: &str = "
    CREATE TABLE account_key (
        key BLOB NOT NULL PRIMARY KEY, linked BLOB, email BLOB, external BLOB, id INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE account (id INTEGER PRIMARY KEY, account TEXT NOT NULL) STRICT;";

/// One account of the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedAccount {
    /// The key of the cloud id ([`Key::exact`]).
    pub key: Key,
    /// Whom the snapshot links to the account.
    pub linked: Option<SourceId>,
    /// The account.
    pub account: Account,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    linked: u64,
    unlinked: u64,
}

const COLUMNS: &str = "SELECT account_key.key, account_key.linked, account.account
    FROM account_key CROSS JOIN account ON account.id = account_key.id";

fn from_row(row: &Row<'_>) -> rusqlite::Result<StagedAccount> {
    Ok(StagedAccount {
        key: Key(row.get(0)?),
        linked: row.get::<_, Option<_>>(1)?.map(SourceId::new),
        account: serde_json::from_str(row.get_ref(2)?.as_str()?).map_err(nonsense)?,
    })
}

impl Stage {
    /// Puts accounts into the spool. Of two with the same key the last stays: a listing that
    /// changes while it is read shows some accounts twice.
    pub fn put_accounts(&mut self, items: &[StagedAccount]) -> Result<(), StoreError> {
        let counts = &mut self.accounts;
        answer(&self.db, |db| {
            let transaction = db.unchecked_transaction()?;
            items.iter().try_for_each(|item| put(db, counts, item))?;
            transaction.commit()
        })
    }

    /// The accounts linked to this anchor.
    pub fn account_by_anchor(&self, anchor: SourceId) -> Result<Option<StagedAccount>, StoreError> {
        Ok(self.accounts_where("linked", &[*anchor.as_bytes()])?.pop())
    }

    /// The accounts linked to these anchors, sorted by anchor.
    pub fn accounts_by_anchor(&self, anchors: &[SourceId]) -> Result<Vec<StagedAccount>, StoreError> {
        self.accounts_where("linked", &sorted(anchors.iter().map(|anchor| *anchor.as_bytes())))
    }

    /// The accounts with these keys of cloud ids, sorted by key.
    pub fn accounts_by_cloud(&self, keys: &[Key]) -> Result<Vec<StagedAccount>, StoreError> {
        self.accounts_where("key", &sorted(keys.iter().map(|key| key.0)))
    }

    /// The accounts with these keys of addresses, sorted by that and by cloud key.
    pub fn accounts_by_email(&self, keys: &[Key]) -> Result<Vec<StagedAccount>, StoreError> {
        self.accounts_where("email", &sorted(keys.iter().map(|key| key.0)))
    }

    /// The accounts with these external ids, compared without case.
    pub fn accounts_by_external_id(&self, ids: &[&str]) -> Result<Vec<StagedAccount>, StoreError> {
        self.accounts_where("external", &sorted(ids.iter().map(|id| Key::folded(id).0)))
    }

    /// At most `limit` linked accounts that follow an anchor, in the order of their anchors.
    pub fn linked_accounts_after(
        &self,
        after: Option<SourceId>,
        limit: usize,
    ) -> Result<Vec<StagedAccount>, StoreError> {
        let after: &[u8] = after.as_ref().map_or(&[], |anchor| anchor.as_bytes());
        self.account_page("WHERE linked > ?1 ORDER BY linked LIMIT ?2", &after, limit)
    }

    /// At most `limit` accounts without a link that follow a cloud key, in the order of their keys.
    pub fn unlinked_after(&self, after: Option<Key>, limit: usize) -> Result<Vec<StagedAccount>, StoreError> {
        let after: &[u8] = after.as_ref().map_or(&[], |key| &key.0);
        self.account_page("WHERE key > ?1 AND linked IS NULL ORDER BY key LIMIT ?2", &after, limit)
    }

    /// How many accounts there are: linked ones, and those without a link.
    pub fn account_counts(&self) -> (u64, u64) {
        (self.accounts.linked, self.accounts.unlinked)
    }

    fn accounts_where(&self, column: &str, keys: &[[u8; 16]]) -> Result<Vec<StagedAccount>, StoreError> {
        answer(&self.db, |db| {
            db.need(Late::Accounts)?;
            let mut select = db.prepare_cached(&format!(
                "{COLUMNS} WHERE account_key.{column} = ?1 ORDER BY account_key.key"
            ))?;
            let mut found = Vec::new();
            for key in keys {
                for account in select.query_map([key], from_row)? {
                    found.push(account?);
                }
            }
            Ok(found)
        })
    }

    fn account_page(
        &self,
        condition: &str,
        after: &dyn ToSql,
        limit: usize,
    ) -> Result<Vec<StagedAccount>, StoreError> {
        answer(&self.db, |db| {
            db.need(Late::Accounts)?;
            db.prepare_cached(&format!("{COLUMNS} {condition}"))?
                .query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], from_row)?
                .collect()
        })
    }
}

fn sorted(keys: impl Iterator<Item = [u8; 16]>) -> Vec<[u8; 16]> {
    let mut keys: Vec<_> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn put(db: &Connection, counts: &mut Counts, item: &StagedAccount) -> rusqlite::Result<()> {
    let account = serde_json::to_string(&item.account).map_err(nonsense)?;
    let linked = item.linked.as_ref().map(SourceId::as_bytes);
    let email = item.account.email.as_ref().map(|email| email.key().0);
    let external = item.account.external_id.as_deref().map(|id| Key::folded(id).0);
    let id = i64::try_from(counts.linked + counts.unlinked).unwrap_or(i64::MAX);
    let added = db
        .prepare_cached(
            "INSERT OR IGNORE INTO account_key (key, linked, email, external, id) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![item.key.0, linked, email, external, id])?;
    if added > 0 {
        db.prepare_cached("INSERT INTO account (id, account) VALUES (?1, ?2)")?
            .execute(params![id, account])?;
    } else {
        let old: Option<(i64, bool)> = db
            .prepare_cached("SELECT id, linked IS NOT NULL FROM account_key WHERE key = ?1")?
            .query_row([item.key.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((id, was_linked)) = old else { return Ok(()) };
        db.prepare_cached("UPDATE account_key SET linked = ?2, email = ?3, external = ?4 WHERE key = ?1")?
            .execute(params![item.key.0, linked, email, external])?;
        db.prepare_cached("UPDATE account SET account = ?2 WHERE id = ?1")?.execute(params![id, account])?;
        *(if was_linked { &mut counts.linked } else { &mut counts.unlinked }) -= 1;
    }
    *(if item.linked.is_some() { &mut counts.linked } else { &mut counts.unlinked }) += 1;
    Ok(())
}
