//! The counts of a pass, under names that scripts rely on.

use serde::{Deserialize, Serialize};

use crate::model::{Kind, Withheld};

/// How often what was planned or done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Accounts created.
    pub create: u64,
    /// Accounts taken over.
    pub adopt: u64,
    /// Attribute changes.
    pub update: u64,
    /// Leavers deactivated.
    pub deactivate: u64,
    /// People who came back.
    pub reactivate: u64,
    /// Accounts deleted.
    pub delete: u64,
    /// People who were given licences.
    pub license_add: u64,
    /// People from whom licences were taken.
    pub license_remove: u64,
    /// People whose roles changed.
    pub role_change: u64,
    /// Groups created.
    pub group_create: u64,
    /// Changes of groups: a name, or as many members as fit into one request.
    pub group_update: u64,
    /// Groups deleted.
    pub group_delete: u64,
    /// Contacts created.
    pub contact_create: u64,
    /// Contacts changed, or taken over.
    pub contact_update: u64,
    /// Contacts deleted.
    pub contact_delete: u64,
    /// Of the actions on accounts, those on rooms.
    pub rooms: u64,
    /// Linked rooms that stay as they are because `rooms.sync` is off.
    pub rooms_at_rest: u64,
    /// Contacts by us that stay as they are because `contacts.sync` is off.
    pub contacts_at_rest: u64,
    /// People for whom nothing is to be done.
    pub in_sync: u64,
    /// Objects about which nothing can be decided.
    pub withheld: u64,
    /// Accounts that no record claims; `None` when not the whole cloud was listed.
    pub stray: Option<u64>,
    /// Those of the withheld to whom two parties lay claim.
    pub contested: u64,
    /// Actions that wait for approval.
    pub held: u64,
    /// Licences for which no seat is left.
    pub waiting: u64,
    /// Actions that failed.
    pub failed: u64,
    /// People who stay short of what should be, for a reason that is given.
    pub short: u64,
    /// People looked at whose manager is not in the cloud: the attribute stays empty.
    pub manager_missing: u64,
    /// In a plan: people whose manager gets an account first. Theirs is set in a second step of the same pass,
    /// as an update.
    pub manager_later: u64,
}

impl Counts {
    /// The count of one kind of action.
    pub fn of(&mut self, kind: Kind) -> &mut u64 {
        match kind {
            Kind::Create => &mut self.create,
            Kind::Adopt => &mut self.adopt,
            Kind::Update => &mut self.update,
            Kind::Deactivate => &mut self.deactivate,
            Kind::Reactivate => &mut self.reactivate,
            Kind::Delete => &mut self.delete,
            Kind::LicenseAdd => &mut self.license_add,
            Kind::LicenseRemove => &mut self.license_remove,
            Kind::RoleChange => &mut self.role_change,
            Kind::GroupCreate => &mut self.group_create,
            Kind::GroupUpdate => &mut self.group_update,
            Kind::GroupDelete => &mut self.group_delete,
            Kind::ContactCreate => &mut self.contact_create,
            Kind::ContactUpdate => &mut self.contact_update,
            Kind::ContactDelete => &mut self.contact_delete,
        }
    }

    /// Counts who is withheld.
    pub fn withhold(&mut self, withheld: &[Withheld]) {
        self.withheld += withheld.len() as u64;
        self.contested += withheld.iter().filter(|one| is_contested(&one.code)).count() as u64;
    }

    /// Actions of all kinds.
    pub fn actions(&self) -> u64 {
        self.create
            + self.adopt
            + self.update
            + self.deactivate
            + self.reactivate
            + self.delete
            + self.license_add
            + self.license_remove
            + self.role_change
            + self.group_create
            + self.group_update
            + self.group_delete
            + self.contact_create
            + self.contact_update
            + self.contact_delete
    }

    /// The counts that are not zero, in words, for one line.
    pub fn words(&self) -> String {
        let all = [
            (self.create, "created"),
            (self.adopt, "taken over"),
            (self.update, "updated"),
            (self.deactivate, "deactivated"),
            (self.reactivate, "reactivated"),
            (self.delete, "deleted"),
            (self.license_add, "given licences"),
            (self.license_remove, "licences taken"),
            (self.role_change, "roles changed"),
            (self.group_create, "groups created"),
            (self.group_update, "group changes"),
            (self.group_delete, "groups deleted"),
            (self.contact_create, "contacts created"),
            (self.contact_update, "contact changes"),
            (self.contact_delete, "contacts deleted"),
            (self.rooms, "of these on rooms"),
            (self.rooms_at_rest, "rooms at rest"),
            (self.contacts_at_rest, "contacts at rest"),
            (self.failed, "failed"),
            (self.held, "held"),
            (self.withheld, "withheld"),
            (self.waiting, "waiting for a seat"),
            (self.short, "left as they are"),
            (self.manager_missing, "without their manager"),
            (self.in_sync, "in order"),
            (self.stray.unwrap_or(0), "stray"),
        ];
        let words = some(&all);
        if words.is_empty() { "nothing to do".into() } else { words }
    }

    /// The same of what would be.
    pub fn planned_words(&self) -> String {
        let all = [
            (self.create, "to create"),
            (self.adopt, "to take over"),
            (self.update, "to update"),
            (self.deactivate, "to deactivate"),
            (self.reactivate, "to reactivate"),
            (self.delete, "to delete"),
            (self.license_add, "to be given licences"),
            (self.license_remove, "to lose licences"),
            (self.role_change, "to change roles"),
            (self.group_create, "groups to create"),
            (self.group_update, "group changes"),
            (self.group_delete, "groups to delete"),
            (self.contact_create, "contacts to create"),
            (self.contact_update, "contacts to change"),
            (self.contact_delete, "contacts to delete"),
            (self.rooms, "of these on rooms"),
            (self.rooms_at_rest, "rooms at rest"),
            (self.contacts_at_rest, "contacts at rest"),
            (self.held, "held by the guard"),
            (self.withheld, "withheld"),
            (self.waiting, "without a seat"),
            (self.short, "left as they are"),
            (self.manager_later, "to get their manager once that one is there"),
            (self.manager_missing, "without their manager"),
            (self.in_sync, "in order"),
            (self.stray.unwrap_or(0), "stray"),
        ];
        let words = some(&all);
        if words.is_empty() { "Nothing to do.".into() } else { format!("{words}.") }
    }
}

/// The counts that are not zero, with their words.
fn some(all: &[(u64, &str)]) -> String {
    let some = all.iter().filter(|(count, _)| *count > 0);
    some.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// Whether a withheld person is one of two who want the same.
fn is_contested(code: &str) -> bool {
    matches!(
        code,
        "contested" | "duplicate_email" | "address_swap" | "address_of_leaver" | "address_of_stray"
    )
}
