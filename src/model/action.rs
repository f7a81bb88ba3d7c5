//! One planned change of one account: pure data that leaves nothing to decide.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{CloudId, Field, LicenseId, RoleId, SourceId, Who};

/// What an action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A new account.
    Create,
    /// An existing account that becomes ours: the anchor is written to it, with whatever differs.
    Adopt,
    /// Attribute values of a linked account.
    Update,
    /// Log-in forbidden; the account stays.
    Deactivate,
    /// Log-in allowed again, after we forbade it.
    Reactivate,
    /// The account is removed for good.
    Delete,
    /// Licences given, or exchanged for others.
    LicenseAdd,
    /// Licences taken away.
    LicenseRemove,
    /// Administrator roles given or taken.
    RoleChange,
    /// A new group, with its first members.
    GroupCreate,
    /// Name or members of a group that is ours, or an existing group that becomes ours. Members
    /// are added, or taken out, so many as fit into one request.
    GroupUpdate,
    /// A group removed for good.
    GroupDelete,
}

impl Kind {
    /// All kinds, in the order in which they are reported.
    pub const ALL: &[Self] = &[
        Self::Create,
        Self::Adopt,
        Self::Update,
        Self::Deactivate,
        Self::Reactivate,
        Self::Delete,
        Self::LicenseAdd,
        Self::LicenseRemove,
        Self::RoleChange,
        Self::GroupCreate,
        Self::GroupUpdate,
        Self::GroupDelete,
    ];

    /// The name used in JSON, CSV and history.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Update => "update",
            Self::Deactivate => "deactivate",
            Self::Reactivate => "reactivate",
            Self::Delete => "delete",
            Self::LicenseAdd => "license_add",
            Self::LicenseRemove => "license_remove",
            Self::RoleChange => "role_change",
            Self::GroupCreate => "group_create",
            Self::GroupUpdate => "group_update",
            Self::GroupDelete => "group_delete",
        }
    }

    /// Whether it is about a group and not about a person.
    pub const fn is_group(self) -> bool {
        matches!(self, Self::GroupCreate | Self::GroupUpdate | Self::GroupDelete)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("no such action: {name}"))
    }
}

/// What part of an account a change touches. Written as one word in JSON and history:
/// `email`, `active`, `external_id`, a field name, `license:<id>`, `role:<id>` or `member:<id>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attr {
    /// The user name.
    Email,
    /// Whether log-in is allowed: `true` or `false`.
    Active,
    /// The anchor kept in the cloud.
    ExternalId,
    /// An attribute.
    Field(Field),
    /// A licence: from nothing to `held`, or back; a calling licence to the text of its
    /// [`super::Telephone`].
    License(LicenseId),
    /// A role: from nothing to `held`, or back.
    Role(RoleId),
    /// A member of a group, by the account: from nothing to the person's address, or back. The
    /// id is empty for somebody whose account the same pass creates.
    Member(CloudId),
}

impl fmt::Display for Attr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email => f.write_str("email"),
            Self::Active => f.write_str("active"),
            Self::ExternalId => f.write_str("external_id"),
            Self::Field(field) => f.write_str(field.name()),
            Self::License(id) => write!(f, "license:{id}"),
            Self::Role(id) => write!(f, "role:{id}"),
            Self::Member(id) => write!(f, "member:{id}"),
        }
    }
}

impl FromStr for Attr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "email" => Ok(Self::Email),
            "active" => Ok(Self::Active),
            "external_id" => Ok(Self::ExternalId),
            _ => match text.split_once(':') {
                Some(("license", id)) => Ok(Self::License(LicenseId::new(id))),
                Some(("role", id)) => Ok(Self::Role(RoleId::new(id))),
                Some(("member", id)) => Ok(Self::Member(CloudId::new(id))),
                _ => text.parse().map(Self::Field),
            },
        }
    }
}

impl Serialize for Attr {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Attr {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One value before and after. `from` is the before-image that an undo needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which part of the account.
    pub field: Attr,
    /// The value before; `None` for empty.
    pub from: Option<String>,
    /// The value after; `None` clears.
    pub to: Option<String>,
}

impl Change {
    /// The word that stands for holding a licence or a role.
    pub const HELD: &str = "held";

    /// A change of one value.
    pub fn new(field: Attr, from: Option<String>, to: Option<String>) -> Self {
        Self { field, from, to }
    }

    /// A licence given.
    pub fn give(license: LicenseId) -> Self {
        Self::new(Attr::License(license), None, Some(Self::HELD.into()))
    }

    /// A licence taken away.
    pub fn take(license: LicenseId) -> Self {
        Self::new(Attr::License(license), Some(Self::HELD.into()), None)
    }

    /// Whether a member is taken out of a group.
    pub fn expels(&self) -> bool {
        matches!(self.field, Attr::Member(_)) && self.to.is_none()
    }

    /// Whether a value that was there is emptied.
    pub fn blanks(&self) -> bool {
        matches!(self.field, Attr::Field(_)) && self.from.is_some() && self.to.is_none()
    }
}

/// Why an action was planned. A sentence follows from it in every report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A record that the cloud does not have yet.
    NewRecord,
    /// The account of a linked person is no longer in the cloud.
    LostInCloud,
    /// An account with our anchor, to which we had lost the link.
    SameAnchor,
    /// An account with the person's e-mail, claimed by nobody.
    SameEmail,
    /// The record or the rules changed what the person should be.
    Desired,
    /// Somebody changed the cloud.
    Drift,
    /// The record is gone, and the census proves it.
    RecordGone,
    /// The directory disabled the person, or the account expired there.
    Disabled,
    /// The person left the scope.
    OutOfScope,
    /// The person is out of scope since the configuration changed; in the directory nothing did.
    ScopeChanged,
    /// A leaver came back.
    Returned,
    /// The person has another record than before, in another domain most often, recognised by the
    /// join value: the account goes with the person.
    Moved,
    /// The time that leavers stay deactivated is over.
    GraceOver,
    /// A rule gives it.
    Entitled,
    /// No rule gives it any more.
    NotEntitled,
    /// A rule gives it, and somebody who stands before in the order needs the seat.
    Outranked,
    /// A group with the name of a group in the directory, claimed by nobody.
    SameName,
    /// The group is no longer among those that the configuration chooses.
    NotChosen,
    /// A group that was ours is no longer in the cloud.
    GroupLost,
    /// Members of a group who left altogether, and were deactivated.
    MembersLeft,
}

impl Cause {
    /// Whether somebody leaves by it.
    pub const fn is_leaving(self) -> bool {
        matches!(self, Self::RecordGone | Self::Disabled | Self::OutOfScope | Self::ScopeChanged)
    }

    /// The cause in words, to follow "because".
    pub const fn words(self) -> &'static str {
        match self {
            Self::NewRecord => "new in the directory",
            Self::LostInCloud => "the account is no longer in the cloud",
            Self::SameAnchor => "an account already carries this anchor",
            Self::SameEmail => "an account with this e-mail exists and nobody claims it",
            Self::Desired => "changed in the directory",
            Self::Drift => "changed in the cloud by somebody else",
            Self::RecordGone => "no longer in the directory",
            Self::Disabled => "disabled in the directory",
            Self::OutOfScope => "left the scope",
            Self::ScopeChanged => "out of scope since the configuration changed",
            Self::Returned => "back in the directory",
            Self::Moved => "moved to another domain",
            Self::GraceOver => "deactivated for longer than leavers are kept",
            Self::Entitled => "a rule gives it",
            Self::NotEntitled => "no rule gives it any more",
            Self::Outranked => "somebody before in the order needs the seat",
            Self::SameName => "a group with this name exists and nobody claims it",
            Self::NotChosen => "no longer among the groups to synchronize",
            Self::GroupLost => "the group is no longer in the cloud",
            Self::MembersLeft => "they left",
        }
    }
}

/// One change of one account, or of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What is done.
    pub kind: Kind,
    /// For whom.
    pub anchor: SourceId,
    /// How the cloud will know the person or group afterwards.
    #[serde(flatten)]
    pub who: Who,
    /// The DN at the time of planning, where the record is at hand.
    pub dn: Option<String>,
    /// The account or group; `None` for one that is created in the same plan.
    pub cloud_id: Option<CloudId>,
    /// The values, with their before-images.
    pub changes: Vec<Change>,
    /// Why.
    pub cause: Cause,
}

impl Action {
    /// Whether the action takes something away: these wait for proof and pass the guard.
    pub fn removes(&self) -> bool {
        match self.kind {
            Kind::Deactivate | Kind::Delete | Kind::LicenseRemove | Kind::GroupDelete => true,
            // A licence can be exchanged for one that excludes it.
            Kind::RoleChange | Kind::LicenseAdd => self.changes.iter().any(|change| change.to.is_none()),
            Kind::GroupUpdate => self.changes.iter().any(Change::expels),
            Kind::Create | Kind::Adopt | Kind::Update | Kind::Reactivate | Kind::GroupCreate => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_survive_their_text_form() {
        for attr in [
            Attr::Email,
            Attr::Active,
            Attr::ExternalId,
            Attr::Field(Field::Title),
            Attr::License(LicenseId::new("org:MS_1")),
            Attr::Role(RoleId::new("id_full_admin")),
            Attr::Member(CloudId::new("3d1f")),
        ] {
            assert_eq!(attr.to_string().parse::<Attr>(), Ok(attr));
        }
        assert!("shoe_size".parse::<Attr>().is_err());
    }

    #[test]
    fn kinds_survive_their_text_form() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse::<Kind>(), Ok(*kind));
        }
    }
}
