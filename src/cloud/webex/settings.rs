//! How to reach one Webex organization, checked.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::Redacted;

/// The settings of a Webex organization.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://webexapis.com`, another region's host, or a sandbox on loopback.
    pub base_url: String,
    /// The organization to write to; `None` for the only one that the token sees.
    pub organization: Option<String>,
    /// The access token.
    pub token: Redacted<String>,
    /// Allow `http://` for a host that is not this machine. Loudly named in the configuration.
    pub danger_plain_http: bool,
    /// PEM file with certificate authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For one answer.
    pub timeout: Duration,
    /// Requests under way at once, at most.
    pub concurrency: usize,
    /// How long throttling (429) is waited out within one pass before it ends.
    pub max_throttle: Duration,
    /// Accounts per page of a listing.
    pub page_size: u32,
}
