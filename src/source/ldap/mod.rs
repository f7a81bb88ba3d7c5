//! Active Directory and every other LDAP directory.

mod settings;

pub use settings::Settings;
