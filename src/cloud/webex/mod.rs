//! A Cisco Webex organization.
//!
//! People are kept through SCIM 2.0, licences through the REST family, on one host, with one
//! token and one pace. [`WebexReader`] can only ask; [`WebexWriter`] is made from a reader
//! where something is to be changed, and nowhere else.

mod account;
mod assign;
mod attendee;
mod bulk;
mod calling_behavior;
mod contacts;
mod doubt;
mod extension;
mod fault;
mod group_write;
mod groups;
mod ids;
mod license;
mod link;
mod listing;
mod operation;
mod pages;
mod place;
mod reader;
mod resource;
mod settings;
mod standing;
mod telephony;
mod wire;
mod writer;

pub use license::{SERVICES, Service, service_key};
pub use reader::WebexReader;
pub use settings::Settings;
pub use writer::WebexWriter;
