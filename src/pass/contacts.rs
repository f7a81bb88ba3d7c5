//! Contacts of the directory become contacts of the cloud's address book, beside the people: nothing
//! of them depends on an account.
//!
//! Contacts are read with the people, and recognised by their fingerprints like them. They are few
//! enough to be held in memory: what did not change costs its anchor.

mod act;
mod compare;
mod read;
mod seen;

pub use act::act_on_contacts;
pub use compare::ContactView;
pub use read::{ReadContacts, concerns, places};
pub use seen::{ContactsSeen, see_contacts};
