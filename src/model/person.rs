//! The canonical person: what the cloud should hold, in our words. A room is one of another kind.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{AccountKind, Email, Field, FieldSet, Fingerprint, Hasher, LicenseId, Line, RoleId};

/// The attribute values of a person. An absent field is an empty attribute.
pub type Profile = BTreeMap<Field, String>;

/// What the cloud should hold, or what we last confirmed that it holds, for one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// A human being, or a room.
    #[serde(default, skip_serializing_if = "AccountKind::is_person")]
    pub kind: AccountKind,
    /// The user name, which in Webex is the primary work address.
    pub email: Email,
    /// Whether the person may log in.
    pub active: bool,
    /// Attribute values; only managed fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub profile: Profile,
    /// Licences: in desired, those the rules give; in the snapshot, those of them that the
    /// cloud confirmed, whoever gave them: not what is held besides.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub licenses: BTreeSet<LicenseId>,
    /// Administrator roles, in the same way.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<RoleId>,
    /// The telephone that goes with a calling licence: in desired, what the rules make of it; in
    /// the snapshot, what was given. Webex keeps it from then on, and it is never compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telephone: Option<Box<Line>>,
}

impl Person {
    /// The values of settings.
    pub fn settings(&self) -> Profile {
        let all = self.profile.iter().filter(|(field, _)| field.is_setting());
        all.map(|(field, value)| (*field, value.clone())).collect()
    }

    /// The digest of identity, managed attributes and managed roles, comparable between what
    /// we applied and what a listing of the cloud shows. Licences and settings are not in it: the
    /// listing does not show them.
    pub fn fingerprint(&self, external_id: &str, managed: &Managed) -> Fingerprint {
        digest(self.kind, &self.email, self.active, external_id, &self.profile, &self.roles, managed)
    }
}

/// What the rules are in charge of. Everything else in the cloud is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Managed {
    /// Attributes of people that are mapped and compared.
    pub fields: FieldSet,
    /// Attributes of rooms that are mapped and compared.
    pub room_fields: FieldSet,
    /// Of those of people, attributes that are written only where the cloud has no value.
    pub kept: FieldSet,
    /// Attributes of people that are written when an account is created, and not compared.
    pub once: FieldSet,
    /// Licences that a rule can give.
    pub licenses: BTreeSet<LicenseId>,
    /// Licences of the catalogue that exclude one of those, need it, or are needed by it. They are looked at,
    /// as somebody may have them by other hands, and never given, taken, or part of a digest.
    pub watched: BTreeSet<LicenseId>,
    /// Licences of the catalogue that come with a telephone, which owns the work number.
    pub calling: BTreeSet<LicenseId>,
    /// Roles that a rule can give.
    pub roles: BTreeSet<RoleId>,
}

impl Managed {
    /// The digest of the licences that somebody holds, as far as they are ours to manage: it stays as
    /// it is when more licences are watched.
    pub fn license_digest<'a>(&self, held: impl IntoIterator<Item = &'a LicenseId>) -> u64 {
        license_digest(held.into_iter().filter(|id| self.licenses.contains(*id)))
    }

    /// The attributes that are mapped and compared.
    pub fn fields_of(&self, kind: AccountKind) -> FieldSet {
        match kind {
            AccountKind::Person => self.fields,
            AccountKind::Room => self.room_fields,
        }
    }

    /// Of those, the attributes that are written only where the cloud has no value.
    pub fn kept_of(&self, kind: AccountKind) -> FieldSet {
        match kind {
            AccountKind::Person => self.kept,
            AccountKind::Room => FieldSet::default(),
        }
    }
}

/// The digest behind [`Person::fingerprint`], also for accounts that were only read.
pub(super) fn digest(
    kind: AccountKind,
    email: &Email,
    active: bool,
    external_id: &str,
    profile: &Profile,
    roles: &BTreeSet<RoleId>,
    managed: &Managed,
) -> Fingerprint {
    let mut h = Hasher::seeded(Fingerprint::NONE);
    h.part(&email.key().0);
    h.part(&[u8::from(active)]);
    h.part(external_id.as_bytes());
    // Of people the digest is what it was before there were rooms.
    if kind != AccountKind::Person {
        h.part(kind.word().as_bytes());
    }
    let fields = managed.fields_of(kind);
    for (field, value) in profile {
        if fields.contains(*field) && !field.is_setting() {
            h.part(&[*field as u8]);
            h.part(value.as_bytes());
        }
    }
    for role in roles.intersection(&managed.roles) {
        h.part(role.as_str().as_bytes());
    }
    h.finish()
}

/// The digest of a set of licences, built one by one in any order: exclusive or of the
/// digests of the ids. Zero for none.
pub fn license_digest<'a>(licenses: impl IntoIterator<Item = &'a LicenseId>) -> u64 {
    licenses.into_iter().fold(0, |sum, id| sum ^ xxhash_rust::xxh3::xxh3_64(id.as_str().as_bytes()))
}
