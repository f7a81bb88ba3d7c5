//! The objects of a fake domain: where they stand, what they hold, and what changed when.
//!
//! DNs are computed from parents, so that a renamed OU changes those of everybody below, and
//! members are kept by id, so that they follow. Every change has a number; that of attributes is
//! kept per attribute, as replication does.

use std::collections::BTreeMap;

use dirsyncd::model::{SourceId, normal_dn};

/// The id of an object, as `objectGUID` has it on the wire.
pub(crate) type Guid = [u8; 16];

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) guid: Guid,
    /// The last part of the SID, for what has one.
    pub(crate) rid: Option<u32>,
    /// For example `CN=Ann Lee`.
    pub(crate) rdn: String,
    /// `None` for the heads of naming contexts, whose `rdn` is their whole DN.
    pub(crate) parent: Option<Guid>,
    pub(crate) classes: Vec<String>,
    /// Stored attributes. Names in lower case.
    pub(crate) values: BTreeMap<String, Vec<Vec<u8>>>,
    /// What `member` names.
    pub(crate) members: Vec<Guid>,
    /// When each attribute changed last, be it to nothing. `name` for a rename or a move.
    pub(crate) changed: BTreeMap<String, u64>,
    /// When each member came or went last, and which.
    pub(crate) member_changes: BTreeMap<Guid, (bool, u64)>,
    pub(crate) created_at: u64,
    pub(crate) changed_at: u64,
    /// Where it stood, once it is deleted.
    pub(crate) last_parent: Option<Guid>,
    pub(crate) deleted: bool,
}

impl Object {
    pub(crate) fn is(&self, class: &str) -> bool {
        self.classes.iter().any(|own| own.eq_ignore_ascii_case(class))
    }
}

/// All objects. A copy of it is a backup.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) domain: String,
    objects: BTreeMap<Guid, Object>,
    by_dn: BTreeMap<String, Guid>,
    /// The number of the last change. The same on every domain controller of the domain: what a
    /// controller calls its USN is this and an offset.
    pub(crate) clock: u64,
    next: u32,
    /// Whether deleted objects keep their attributes.
    pub(crate) recycle_bin: bool,
    pub(crate) deleted_objects: Guid,
    pub(crate) root: Guid,
}

impl Tree {
    pub(crate) fn new(domain: &str) -> Self {
        let mut tree = Self {
            domain: domain.to_owned(),
            objects: BTreeMap::new(),
            by_dn: BTreeMap::new(),
            clock: 0,
            next: 0,
            recycle_bin: false,
            deleted_objects: [0; 16],
            root: [0; 16],
        };
        tree.root = tree.add(None, domain, &["top", "domain", "domainDNS"], &[]);
        tree.deleted_objects = tree.add(Some(tree.root), "CN=Deleted Objects", &["top", "container"], &[]);
        for (ou, class) in [("OU=People", "organizationalUnit"), ("OU=Groups", "organizationalUnit")] {
            tree.add(Some(tree.root), ou, &["top", class], &[]);
        }
        tree
    }

    pub(crate) fn add(
        &mut self,
        parent: Option<Guid>,
        rdn: &str,
        classes: &[&str],
        values: &[(&str, &[u8])],
    ) -> Guid {
        self.clock += 1;
        self.next += 1;
        let mut guid = [0x5a; 16];
        // Spread, so that the order of ids is not that of creation.
        guid[..4].copy_from_slice(&self.next.wrapping_mul(0x9e37_79b1).to_le_bytes());
        guid[12..].copy_from_slice(&self.next.to_be_bytes());
        let security = classes.iter().any(|class| matches!(*class, "user" | "group"));
        let mut object = Object {
            guid,
            rid: security.then_some(1000 + self.next),
            rdn: rdn.to_owned(),
            parent,
            classes: classes.iter().map(|class| (*class).to_owned()).collect(),
            values: BTreeMap::new(),
            members: vec![],
            changed: BTreeMap::new(),
            member_changes: BTreeMap::new(),
            created_at: self.clock,
            changed_at: self.clock,
            last_parent: None,
            deleted: false,
        };
        for (name, value) in values {
            object.values.entry(name.to_lowercase()).or_default().push(value.to_vec());
        }
        let mut names: Vec<String> = object.values.keys().cloned().collect();
        names.extend(["name", "objectclass", "objectcategory"].map(String::from));
        object.changed = names.into_iter().map(|name| (name, self.clock)).collect();
        self.objects.insert(guid, object);
        self.by_dn.insert(normal_dn(&self.dn(&guid)), guid);
        guid
    }

    pub(crate) fn get(&self, guid: &Guid) -> &Object {
        &self.objects[guid]
    }

    /// All objects, in the order of their creation.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Object> {
        let mut all: Vec<&Object> = self.objects.values().collect();
        all.sort_by_key(|object| object.created_at);
        all.into_iter()
    }

    pub(crate) fn find(&self, dn: &str) -> Option<Guid> {
        let key = normal_dn(dn);
        self.by_dn.get(&key).copied()
    }

    pub(crate) fn by_id(&self, guid: &Guid) -> Option<&Object> {
        self.objects.get(guid)
    }

    /// Where the object is now.
    pub(crate) fn dn(&self, guid: &Guid) -> String {
        let object = &self.objects[guid];
        match &object.parent {
            None => object.rdn.clone(),
            Some(parent) => format!("{},{}", object.rdn, self.dn(parent)),
        }
    }

    pub(crate) fn is_below(&self, guid: &Guid, ancestor: &Guid) -> bool {
        let mut at = Some(*guid);
        while let Some(guid) = at {
            if guid == *ancestor {
                return true;
            }
            at = self.objects[&guid].parent;
        }
        false
    }

    /// Changes an object; the names are the attributes that changed.
    pub(crate) fn change(&mut self, guid: &Guid, names: &[&str], edit: impl FnOnce(&mut Object)) {
        self.clock += 1;
        let clock = self.clock;
        let object = self.objects.get_mut(guid).expect("an object of this tree");
        edit(object);
        object.changed_at = clock;
        for name in names {
            object.changed.insert(name.to_lowercase(), clock);
        }
        if names.contains(&"name") {
            self.index();
        }
    }

    fn index(&mut self) {
        self.by_dn = self.objects.keys().map(|guid| (normal_dn(&self.dn(guid)), *guid)).collect();
    }

    pub(crate) fn member(&mut self, group: &Guid, member: &Guid, present: bool) {
        self.clock += 1;
        let clock = self.clock;
        let object = self.objects.get_mut(group).expect("a group of this tree");
        object.members.retain(|known| known != member);
        if present {
            object.members.push(*member);
        }
        object.member_changes.insert(*member, (present, clock));
        object.changed.insert("member".into(), clock);
        object.changed_at = clock;
    }

    /// Moves an object to the deleted ones. Links to it go without a word about the group.
    pub(crate) fn delete(&mut self, guid: &Guid) {
        let keeps: &[&str] = &["useraccountcontrol", "samaccountname"];
        let (bin, deleted_objects) = (self.recycle_bin, self.deleted_objects);
        let gone: Vec<String> = match bin {
            true => vec![],
            false => {
                let all = self.objects[guid].values.keys();
                all.filter(|name| !keeps.contains(&name.as_str())).cloned().collect()
            }
        };
        let mut names: Vec<&str> = vec!["name", "isDeleted", "lastKnownParent"];
        names.extend(gone.iter().map(String::as_str));
        if !bin {
            names.extend(["objectCategory", "member"]);
        }
        let mark = format!("\\0ADEL:{}", SourceId::from_ad_guid(*guid));
        self.change(guid, &names, |object| {
            object.values.retain(|name, _| !gone.contains(name));
            object.rdn.push_str(&mark);
            object.last_parent = object.parent.replace(deleted_objects);
            object.deleted = true;
            object.members.clear();
        });
        for other in self.objects.values_mut() {
            other.members.retain(|member| member != guid);
        }
    }

    /// Brings a deleted object back to where it stood (recycle bin).
    pub(crate) fn restore(&mut self, guid: &Guid) {
        self.change(guid, &["name", "isDeleted", "lastKnownParent"], |object| {
            object.parent = object.last_parent.take();
            object.deleted = false;
            let end = object.rdn.find("\\0ADEL:").unwrap_or(object.rdn.len());
            object.rdn.truncate(end);
        });
    }
}
