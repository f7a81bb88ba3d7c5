//! Attributes of an entry become a record: anchor, kind, disabled, expiry, memberships.
//!
//! The same for every way of reading, so that an LDIF export of a directory gives the
//! records that the directory itself gives. Attributes that serve only this are taken out:
//! what remains in a record counts for its fingerprint.

use std::collections::BTreeSet;

use crate::model::{Attribute, Key, Record, RecordKind, SourceId, Unusable};

use super::{ad, legible};

/// Which attribute is the anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AnchorIn {
    /// `objectGUID`, else `entryUUID`, else `nsUniqueId`.
    WellKnown,
    /// One attribute, in lower case. A value that is no UUID is digested.
    Named(String),
}

/// What is looked for, which decides what an entry without telling classes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looking {
    /// The entries matched a filter for people.
    People,
    /// The entries matched a filter for rooms.
    Rooms,
    /// The entries matched a filter for contacts.
    Contacts,
    /// The entries matched a filter for groups.
    Groups,
    /// No filter: only object classes tell.
    Anything,
}

/// The rules of shaping for one read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'a> {
    pub anchor: &'a AnchorIn,
    pub looking: Looking,
    /// The attributes that stay in a person's record, lower case.
    pub keep: &'a BTreeSet<String>,
}

/// A record, or the reason why there is none.
pub(super) struct Shaped {
    pub kind: RecordKind,
    pub anchor: Option<SourceId>,
    pub disabled: bool,
    pub expires: Option<i64>,
    /// The object is deleted: what is left of it is no object any more.
    pub leftover: bool,
    pub attributes: Vec<Attribute>,
    /// `objectSid`.
    pub sid: Option<Vec<u8>>,
    /// `primaryGroupID`.
    pub primary_group: Option<Vec<u8>>,
}

impl Shaped {
    /// The record, when the entry can be used. `fallback` gives the anchor of an entry that
    /// brought none.
    ///
    /// # Errors
    ///
    /// The reason why the entry cannot be used.
    pub(super) fn into_record(self, dn: String, fallback: Option<SourceId>) -> Result<Record, Unusable> {
        if ad::is_conflict(&dn) {
            let reason = "a replication conflict (CNF) object: a second object took its name on another \
                          domain controller. Merge or delete it in the directory";
            return Err(Unusable { dn, anchor: self.anchor, reason: reason.into() });
        }
        let Some(anchor) = self.anchor.or(fallback) else {
            let reason = "the entry shows no anchor attribute, or not with a usable value. Let the bind \
                          account read it, or set `anchor` to an attribute that every entry has";
            return Err(Unusable { dn, anchor: None, reason: reason.into() });
        };
        let Self { kind, disabled, expires, attributes, .. } = self;
        Ok(Record { anchor, dn, kind, disabled, expires, attributes })
    }
}

impl Shape<'_> {
    /// Sorts the attributes of one entry. Names are in lower case, without options.
    pub(super) fn apply(&self, mut attributes: Vec<Attribute>) -> Shaped {
        let mut seen = Seen::default();
        attributes.retain_mut(|attribute| {
            if !matches!(self.looking, Looking::Groups | Looking::Anything) {
                let keep = self.keep.contains(&attribute.name);
                seen.notice(attribute, self.anchor, keep);
                keep
            } else {
                // Whether this is a group is known only at the end: keep for both.
                let keep = self.keep.contains(&attribute.name) || is_for_groups(&attribute.name);
                seen.notice(attribute, self.anchor, keep);
                keep
            }
        });
        let kind = seen.kind(self.looking);
        if matches!(self.looking, Looking::Groups | Looking::Anything) {
            if kind == RecordKind::Group {
                attributes.retain(|attribute| is_for_groups(&attribute.name));
                unify_members(&mut attributes);
            } else {
                attributes.retain(|attribute| self.keep.contains(&attribute.name));
            }
        }
        if kind != RecordKind::Group {
            attributes.iter_mut().for_each(legible::make);
        }
        Shaped {
            kind,
            leftover: seen.leftover,
            anchor: seen.anchor(),
            disabled: seen.disabled,
            expires: seen.expires,
            attributes,
            sid: seen.sid,
            primary_group: seen.primary_group,
        }
    }
}

/// The attributes of a group that stay in its record, besides those renamed to `member`.
pub(super) const GROUP_ATTRIBUTES: &[&str] =
    &["cn", "samaccountname", "displayname", "description", "mail", "member", "uniquemember", "memberuid"];

/// The object classes that make a group.
const GROUP_CLASSES: &[&str] = &["group", "groupOfNames", "groupOfUniqueNames", "posixGroup"];

/// Whether the object classes of an entry make it a group.
pub(super) fn is_group(attributes: &[Attribute]) -> bool {
    let mut classes = attributes.iter().filter(|attribute| attribute.name == "objectclass");
    classes.any(|classes| {
        let is_one =
            |class: &Vec<u8>| GROUP_CLASSES.iter().any(|name| class.eq_ignore_ascii_case(name.as_bytes()));
        classes.values.iter().any(is_one)
    })
}

fn is_for_groups(name: &str) -> bool {
    GROUP_ATTRIBUTES.contains(&name)
}

/// `uniqueMember` says the same as `member`: readers of records see one name. A member that was
/// deleted, and whose name lingers, is none.
fn unify_members(attributes: &mut Vec<Attribute>) {
    if let Some(member) = attributes.iter_mut().find(|attribute| attribute.name == "member") {
        member.values.retain(|dn| !ad::names_leftover(dn));
    }
    let Some(unique) = attributes.iter().position(|attribute| attribute.name == "uniquemember") else {
        return;
    };
    let mut unique = attributes.swap_remove(unique);
    match attributes.iter_mut().find(|attribute| attribute.name == "member") {
        Some(member) => member.values.append(&mut unique.values),
        None => attributes.push(Attribute { name: "member".into(), values: unique.values }),
    }
}

/// What the attributes told, in whatever order they came.
#[derive(Default)]
struct Seen {
    guid: Option<SourceId>,
    uuid: Option<SourceId>,
    nsuniqueid: Option<SourceId>,
    named: Option<SourceId>,
    disabled: bool,
    expires: Option<i64>,
    room: bool,
    person: bool,
    group: bool,
    other: bool,
    contact: bool,
    leftover: bool,
    sid: Option<Vec<u8>>,
    primary_group: Option<Vec<u8>>,
}

impl Seen {
    fn notice(&mut self, attribute: &mut Attribute, anchor: &AnchorIn, keep: bool) {
        let Some(first) = attribute.values.first_mut() else { return };
        if let AnchorIn::Named(name) = anchor
            && *name == attribute.name
        {
            self.named = Some(anchor_of(name, first));
        }
        match attribute.name.as_str() {
            "objectguid" => {
                self.guid = <[u8; 16]>::try_from(first.as_slice()).ok().map(SourceId::from_ad_guid);
            }
            "entryuuid" => self.uuid = parsed(first),
            "nsuniqueid" => self.nsuniqueid = parsed(first),
            "useraccountcontrol" => self.disabled |= ad::is_disabled(first),
            "msds-useraccountdisabled" | "nsaccountlock" => {
                self.disabled |= first.eq_ignore_ascii_case(b"true");
            }
            // The value for "locked until an administrator unlocks"; other values are locks
            // after wrong passwords, which pass by themselves (draft-behera-ldap-password-policy 5.3.3).
            "pwdaccountlockedtime" => self.disabled |= first.as_slice() == b"000001010000Z",
            "isdeleted" | "isrecycled" => self.leftover |= first.eq_ignore_ascii_case(b"true"),
            "accountexpires" => self.expires = ad::expires(first),
            "objectsid" => self.sid = Some(if keep { first.clone() } else { std::mem::take(first) }),
            "primarygroupid" => {
                self.primary_group = Some(if keep { first.clone() } else { std::mem::take(first) });
            }
            "msexchresourcemetadata" => {
                self.room |= attribute.values.iter().any(|v| v.eq_ignore_ascii_case(b"ResourceType:Room"));
            }
            // A room mailbox of this Exchange organization, and one that another forest or the
            // cloud holds ([MS-OXOABK] 2.2.3.11 has the types).
            "msexchrecipientdisplaytype" => {
                self.room |= [&b"7"[..], b"-2147481850"].contains(&first.as_slice());
            }
            "objectclass" => attribute.values.iter().for_each(|class| self.notice_class(class)),
            _ => {}
        }
    }

    fn notice_class(&mut self, class: &[u8]) {
        let is = |names: &[&str]| names.iter().any(|name| class.eq_ignore_ascii_case(name.as_bytes()));
        self.group |= is(GROUP_CLASSES);
        self.person |= is(&["person", "user", "inetOrgPerson", "posixAccount"]);
        self.room |= is(&["room"]);
        self.other |= is(&["computer"]);
        self.contact |= is(&["contact"]);
    }

    fn kind(&self, looking: Looking) -> RecordKind {
        match looking {
            Looking::Groups => RecordKind::Group,
            Looking::Rooms => RecordKind::Room,
            _ if self.other => RecordKind::Other,
            _ if self.group => match looking {
                Looking::Anything => RecordKind::Group,
                _ => RecordKind::Other,
            },
            Looking::Contacts => RecordKind::Contact,
            // A contact has the class person too, and no account.
            _ if self.contact => RecordKind::Contact,
            _ if self.room => RecordKind::Room,
            Looking::People => RecordKind::Person,
            Looking::Anything if self.person => RecordKind::Person,
            Looking::Anything => RecordKind::Other,
        }
    }

    fn anchor(&self) -> Option<SourceId> {
        self.named.or(self.guid).or(self.uuid).or(self.nsuniqueid)
    }
}

fn parsed(value: &[u8]) -> Option<SourceId> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The anchor from an attribute that the configuration chose.
fn anchor_of(name: &str, value: &[u8]) -> SourceId {
    if let Some(uuid) = parsed(value) {
        return uuid;
    }
    match <[u8; 16]>::try_from(value) {
        // The second is where an objectGUID is kept that must survive a move between forests.
        Ok(bytes) if matches!(name, "objectguid" | "ms-ds-consistencyguid") => SourceId::from_ad_guid(bytes),
        Ok(bytes) => SourceId::new(bytes),
        // An employee number, say: its digest is as immutable as itself.
        Err(_) => SourceId::new(Key::exact(&String::from_utf8_lossy(value)).0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, values: &[&str]) -> Attribute {
        Attribute { name: name.into(), values: values.iter().map(|v| v.as_bytes().to_vec()).collect() }
    }

    const UUID: &str = "6f1d3c1e-0a2b-4c3d-8e9f-001122334455";

    fn shape(looking: Looking, attributes: Vec<Attribute>) -> Shaped {
        let keep = BTreeSet::from(["mail".to_owned()]);
        Shape { anchor: &AnchorIn::WellKnown, looking, keep: &keep }.apply(attributes)
    }

    #[test]
    fn only_what_was_asked_for_stays() {
        let shaped = shape(
            Looking::People,
            vec![
                attribute("entryuuid", &[UUID]),
                attribute("mail", &["a@example.com"]),
                attribute("nsaccountlock", &["TRUE"]),
                attribute("objectclass", &["inetOrgPerson"]),
            ],
        );
        assert_eq!(shaped.attributes, [attribute("mail", &["a@example.com"])]);
        assert_eq!(shaped.anchor, UUID.parse().ok());
        assert!(shaped.disabled);
        assert_eq!(shaped.kind, RecordKind::Person);
    }

    #[test]
    fn kinds_follow_object_classes() {
        use Looking::*;
        for (looking, classes, kind) in [
            (People, &["user"][..], RecordKind::Person),
            (People, &["user", "computer"], RecordKind::Other),
            (People, &["group"], RecordKind::Other),
            (People, &["top", "person", "organizationalPerson", "contact"], RecordKind::Contact),
            (Anything, &["person", "contact"], RecordKind::Contact),
            (Contacts, &[], RecordKind::Contact),
            (Contacts, &["contact"], RecordKind::Contact),
            (Rooms, &["user"], RecordKind::Room),
            (People, &[], RecordKind::Person),
            (Groups, &[], RecordKind::Group),
            (Anything, &["top", "GroupOfNames"], RecordKind::Group),
            (Anything, &["inetorgperson"], RecordKind::Person),
            (Anything, &["organizationalUnit"], RecordKind::Other),
        ] {
            assert_eq!(shape(looking, vec![attribute("objectclass", classes)]).kind, kind, "{classes:?}");
        }
        let room = vec![attribute("msexchresourcemetadata", &["ResourceType:Room"])];
        assert_eq!(shape(People, room).kind, RecordKind::Room);
        for (kind, expected) in
            [("7", RecordKind::Room), ("-2147481850", RecordKind::Room), ("8", RecordKind::Person)]
        {
            let marked = vec![attribute("msexchrecipientdisplaytype", &[kind])];
            assert_eq!(shape(People, marked).kind, expected, "{kind}");
        }
    }

    #[test]
    fn unique_members_are_members() {
        let shaped = shape(
            Looking::Groups,
            vec![attribute("cn", &["g"]), attribute("uniquemember", &["uid=a"]), attribute("info", &["x"])],
        );
        assert_eq!(shaped.attributes, [attribute("cn", &["g"]), attribute("member", &["uid=a"])]);
    }

    #[test]
    fn what_is_left_of_deleted_members_is_no_member() {
        let gone = r"CN=B\0ADEL:6f1d3c1e-0a2b-4c3d-8e9f-001122334455,CN=Deleted Objects,DC=x";
        let shaped = shape(Looking::Groups, vec![attribute("member", &["CN=A,DC=x", gone])]);
        assert_eq!(shaped.attributes, [attribute("member", &["CN=A,DC=x"])]);
        assert!(shape(Looking::Anything, vec![attribute("isdeleted", &["TRUE"])]).leftover);
        assert!(!shape(Looking::Anything, vec![attribute("isdeleted", &["FALSE"])]).leftover);
    }

    #[test]
    fn a_chosen_anchor_may_be_any_text() {
        let keep = BTreeSet::new();
        let anchor = AnchorIn::Named("employeenumber".into());
        let shape = Shape { anchor: &anchor, looking: Looking::People, keep: &keep };
        let of = |value: &str| shape.apply(vec![attribute("employeenumber", &[value])]).anchor;
        assert!(of("4711").is_some());
        assert_ne!(of("4711"), of("4712"));
        assert_eq!(of(UUID), UUID.parse().ok());
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let unnamed = shape(Looking::People, vec![]).into_record("cn=a,dc=x".into(), None);
        assert!(unnamed.unwrap_err().reason.contains("anchor"));
        let conflict = shape(Looking::People, vec![attribute("entryuuid", &[UUID])])
            .into_record(r"CN=A\0ACNF:6f1d,DC=x".into(), None);
        let conflict = conflict.unwrap_err();
        assert!(conflict.reason.contains("conflict"));
        // The DN is new with the conflict: the anchor tells who it was.
        assert_eq!(conflict.anchor, UUID.parse().ok());
    }
}
