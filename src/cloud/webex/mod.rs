//! A Cisco Webex organization.

mod settings;

pub use settings::Settings;
