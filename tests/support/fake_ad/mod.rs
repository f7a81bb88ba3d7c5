//! A fake Active Directory: for what Samba does not do and Microsoft's does, and for bad days.
//!
//! An in-memory tree of objects behind LDAP on loopback, with the limits of a real domain
//! controller (MaxPageSize 1000 whatever is asked, MaxValRange 1500, DirSync in rounds), with
//! tombstones and recycle bin, rights that can be taken away, and faults at a chosen request. It
//! edits only through the methods here, and tells those who wait for changes.

pub(crate) mod attributes;
pub(crate) mod dirsync;
pub(crate) mod fault;
pub(crate) mod filter;
pub(crate) mod hostile;
pub(crate) mod search;
mod serve;
pub(crate) mod state;
pub(crate) mod tree;
pub(crate) mod wire;

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};

use dirsyncd::model::SourceId;

use fault::{At, Fault};
use serve::Shared;
use state::{Rights, State};
use tree::{Guid, Tree};

/// The naming context.
pub(crate) const DOMAIN: &str = "DC=example,DC=test";
/// An account that may bind, with the password `secret`.
pub(crate) const ACCOUNT: &str = "svc@example.test";

/// The running server. Its threads end with the test process, or when a client goes.
pub(crate) struct FakeAd {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl FakeAd {
    /// Starts a domain with the OUs People and Groups, and nobody in them.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(DOMAIN, [0xd0; 16])),
            watchers: Mutex::new(vec![]),
        });
        let server = shared.clone();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let shared = server.clone();
                std::thread::spawn(move || serve::connection(stream, &shared));
            }
        });
        Self { address, shared }
    }

    /// `ldap://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    /// Everything, to look at and to change. Changes here wake nobody.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    // --- the directory ---------------------------------------------------------------------------

    /// Where an object stands now.
    pub(crate) fn dn(&self, guid: &Guid) -> String {
        self.state().tree.dn(guid)
    }

    /// The OU or container with this name under the domain.
    pub(crate) fn place(&self, rdn: &str) -> Guid {
        self.state().tree.find(&format!("{rdn},{DOMAIN}")).expect("a place in the domain")
    }

    pub(crate) fn add_ou(&self, parent: &Guid, name: &str) -> Guid {
        self.edit(|tree| {
            let ou = tree.add(Some(*parent), &format!("OU={name}"), &["top", "organizationalUnit"], &[]);
            (ou, ou)
        })
    }

    /// A person in OU=People with mail and sAMAccountName made of the name.
    pub(crate) fn add_person(&self, name: &str) -> Guid {
        self.add_person_in(&self.place("OU=People"), name)
    }

    pub(crate) fn add_person_in(&self, parent: &Guid, name: &str) -> Guid {
        let plain = name.to_lowercase().replace(' ', ".");
        let mail = format!("{plain}@example.test");
        self.edit(|tree| {
            let person = tree.add(
                Some(*parent),
                &format!("CN={name}"),
                &["top", "person", "organizationalPerson", "user"],
                &[
                    ("sAMAccountName", plain.as_bytes()),
                    ("mail", mail.as_bytes()),
                    ("userPrincipalName", mail.as_bytes()),
                    ("userAccountControl", b"512"),
                    ("primaryGroupID", b"513"),
                ],
            );
            (person, person)
        })
    }

    /// So many people: `P0`, `P1` and so on.
    pub(crate) fn add_people(&self, count: usize) -> Vec<Guid> {
        (0..count).map(|n| self.add_person(&format!("P{n}"))).collect()
    }

    pub(crate) fn add_group(&self, name: &str, members: &[Guid]) -> Guid {
        let parent = self.place("OU=Groups");
        self.edit(|tree| {
            let group = tree.add(
                Some(parent),
                &format!("CN={name}"),
                &["top", "group"],
                &[("sAMAccountName", name.as_bytes())],
            );
            members.iter().for_each(|member| tree.member(&group, member, true));
            (group, group)
        })
    }

    pub(crate) fn set(&self, object: &Guid, name: &str, value: &str) {
        self.edit(|tree| {
            tree.change(object, &[name], |object| {
                object.values.insert(name.to_lowercase(), vec![value.as_bytes().to_vec()]);
            });
            (*object, ())
        });
    }

    pub(crate) fn clear(&self, object: &Guid, name: &str) {
        self.edit(|tree| {
            tree.change(object, &[name], |object| drop(object.values.remove(&name.to_lowercase())));
            (*object, ())
        });
    }

    /// What a log-on does: the number of the object moves, and nothing that anybody maps.
    pub(crate) fn log_on(&self, object: &Guid) {
        self.set(object, "lastLogonTimestamp", "133700000000000000");
    }

    pub(crate) fn disable(&self, object: &Guid) {
        self.set(object, "userAccountControl", "514");
    }

    /// `CN=New Name`.
    pub(crate) fn rename(&self, object: &Guid, rdn: &str) {
        self.edit(|tree| {
            tree.change(object, &["name"], |object| object.rdn = rdn.to_owned());
            (*object, ())
        });
    }

    pub(crate) fn move_to(&self, object: &Guid, parent: &Guid) {
        self.edit(|tree| {
            tree.change(object, &["name"], |object| object.parent = Some(*parent));
            (*object, ())
        });
    }

    pub(crate) fn join(&self, group: &Guid, member: &Guid) {
        self.edit(|tree| (*group, tree.member(group, member, true)));
    }

    pub(crate) fn leave(&self, group: &Guid, member: &Guid) {
        self.edit(|tree| (*group, tree.member(group, member, false)));
    }

    pub(crate) fn delete(&self, object: &Guid) {
        self.edit(|tree| (*object, tree.delete(object)));
    }

    pub(crate) fn restore(&self, object: &Guid) {
        self.edit(|tree| (*object, tree.restore(object)));
    }

    fn edit<T>(&self, edit: impl FnOnce(&mut Tree) -> (Guid, T)) -> T {
        let mut state = self.state();
        let (touched, made) = edit(&mut state.tree);
        self.shared.tell(&state, &touched);
        made
    }

    // --- the controller, and what goes wrong -----------------------------------------------------

    pub(crate) fn rights(&self, rights: Rights) {
        self.state().rights = rights;
    }

    /// At the `nth` request of this kind from now on.
    pub(crate) fn fault(&self, at: At, nth: usize, fault: Fault) {
        self.state().faults.add(at, nth, fault);
    }

    /// How many requests of a kind came up to now.
    pub(crate) fn seen(&self, at: At) -> usize {
        self.state().seen.iter().filter(|seen| **seen == at).count()
    }

    /// Another controller of the same domain, with the same objects and other numbers.
    pub(crate) fn answer_as_another_controller(&self) {
        self.state().answer_as("DC2", [0xd2; 16], 70_000);
    }

    /// Another directory behind the same name: the same naming context, and other objects.
    pub(crate) fn become_another_domain(&self) {
        let mut other = State::new(DOMAIN, [0xe0; 16]);
        other.answer_as("DC9", [0xe9; 16], 9);
        *self.state() = other;
    }

    /// The objects as they are now.
    pub(crate) fn backup(&self) -> Tree {
        self.state().tree.clone()
    }

    /// The disk of an earlier day, with the controller unaware of it: its numbers went back.
    pub(crate) fn roll_back(&self, backup: Tree) {
        self.state().tree = backup;
    }

    /// How many wait for changes.
    pub(crate) fn watchers(&self) -> usize {
        self.shared.watchers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).len()
    }
}

/// The anchor of an object.
pub(crate) fn anchor(guid: &Guid) -> SourceId {
    SourceId::from_ad_guid(*guid)
}
