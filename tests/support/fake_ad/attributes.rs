//! The attributes of an object as a domain controller shows them: stored, computed, linked.

use dirsyncd::model::SourceId;

use super::tree::{Guid, Object, Tree};

/// How values that are DNs are written (LDAP_SERVER_EXTENDED_DN_OID, [MS-ADTS] 3.1.1.3.4.1.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Names {
    /// As they are.
    #[default]
    Plain,
    /// `<GUID=...>;<SID=...>;dn`.
    Extended,
}

/// The view of one controller on the tree.
pub(crate) struct View<'a> {
    pub(crate) tree: &'a Tree,
    /// What this controller adds to the number of a change.
    pub(crate) usn_offset: u64,
    pub(crate) names: Names,
}

impl View<'_> {
    pub(crate) fn name(&self, guid: &Guid) -> String {
        let dn = self.tree.dn(guid);
        match self.names {
            Names::Plain => dn,
            Names::Extended => {
                let sid = self.tree.get(guid).rid.map(|rid| format!("<SID=S-1-5-21-1-2-3-{rid}>;"));
                format!("<GUID={}>;{}{dn}", SourceId::from_ad_guid(*guid), sid.unwrap_or_default())
            }
        }
    }

    /// All values of an attribute; the name in lower case.
    pub(crate) fn values(&self, object: &Object, name: &str) -> Vec<Vec<u8>> {
        let text = |text: String| vec![text.into_bytes()];
        let rdn = || {
            let value = object.rdn.split_once('=').map_or("", |(_, value)| value);
            text(value.replace('\\', "").replace("0ADEL:", "\nDEL:"))
        };
        match name {
            "objectguid" => vec![object.guid.to_vec()],
            "objectsid" => object.rid.map(sid).into_iter().collect(),
            "objectclass" => object.classes.iter().map(|class| class.clone().into_bytes()).collect(),
            "objectcategory" if !object.changed.contains_key("objectcategory") || self.is_wiped(object) => {
                vec![]
            }
            "objectcategory" => {
                let class = match object.classes.last().map(String::as_str) {
                    Some("user" | "contact" | "person") => "Person",
                    Some("group") => "Group",
                    _ => "Container",
                };
                text(format!("CN={class},CN=Schema,CN=Configuration,{}", self.tree.domain))
            }
            "distinguishedname" => text(self.name(&object.guid)),
            "name" => rdn(),
            "cn" if object.rdn.starts_with("CN=") => rdn(),
            "ou" if object.rdn.starts_with("OU=") => rdn(),
            "instancetype" => text(if object.parent.is_none() { "5" } else { "4" }.into()),
            "usncreated" => text((object.created_at + self.usn_offset).to_string()),
            "usnchanged" => text((object.changed_at + self.usn_offset).to_string()),
            "whencreated" | "whenchanged" => text("20260105080000.0Z".into()),
            "parentguid" => object.parent.iter().map(|guid| guid.to_vec()).collect(),
            "isdeleted" if object.deleted => text("TRUE".into()),
            "lastknownparent" if object.deleted => {
                object.last_parent.iter().map(|guid| self.name(guid).into_bytes()).collect()
            }
            "member" => object.members.iter().map(|member| self.name(member).into_bytes()).collect(),
            "memberof" => {
                let groups = self.tree.all().filter(|group| group.members.contains(&object.guid));
                groups.map(|group| self.name(&group.guid).into_bytes()).collect()
            }
            _ => object.values.get(name).cloned().unwrap_or_default(),
        }
    }

    fn is_wiped(&self, object: &Object) -> bool {
        object.deleted && !self.tree.recycle_bin
    }

    /// The names of all attributes that the object shows when none is named.
    pub(crate) fn own_names(&self, object: &Object) -> Vec<String> {
        let mut names: Vec<String> = object.values.keys().cloned().collect();
        let always = [
            "objectguid",
            "objectsid",
            "objectclass",
            "objectcategory",
            "distinguishedname",
            "name",
            "cn",
            "ou",
            "instancetype",
            "usncreated",
            "usnchanged",
            "whencreated",
            "whenchanged",
            "isdeleted",
            "lastknownparent",
            "member",
            "memberof",
        ];
        names.extend(always.map(String::from));
        names
    }
}

/// A SID of the fake domain ([MS-DTYP] 2.4.2.2).
pub(crate) fn sid(rid: u32) -> Vec<u8> {
    let mut sid = vec![1, 5, 0, 0, 0, 0, 0, 5];
    for part in [21, 1, 2, 3, rid] {
        sid.extend(part.to_le_bytes());
    }
    sid
}

/// The name as the schema writes it, for the attributes that matter here.
pub(crate) fn display(name: &str) -> String {
    const KNOWN: &[&str] = &[
        "objectGUID",
        "objectSid",
        "objectClass",
        "objectCategory",
        "distinguishedName",
        "instanceType",
        "uSNCreated",
        "uSNChanged",
        "whenCreated",
        "whenChanged",
        "parentGUID",
        "isDeleted",
        "lastKnownParent",
        "memberOf",
        "sAMAccountName",
        "userAccountControl",
        "userPrincipalName",
        "givenName",
        "displayName",
        "primaryGroupID",
        "invocationId",
        "tombstoneLifetime",
        "msDS-deletedObjectLifetime",
    ];
    KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name)).map_or(name, |known| known).to_owned()
}
