//! What a rehearsal organization looks like before anybody touches it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How a sandbox is set up. [`Settings::default`] gives a mid-sized customer with two subscriptions.
///
/// With a state file that exists, the organization in the file wins over everything here but
/// `port`, the secrets and `state_file`.
#[derive(Clone)]
pub struct Settings {
    /// The name of the organization.
    pub org_name: String,
    /// Makes ids and fault draws repeatable: equal seeds and equal requests give equal answers.
    pub seed: u64,
    /// The licences of the organization.
    pub licenses: Vec<LicenseSpec>,
    /// The places where people can be given a telephone.
    pub locations: Vec<LocationSpec>,
    /// Meeting sites that no licence names, where people can be attendees.
    pub sites: Vec<String>,
    /// The UC Manager profiles of the organization.
    pub uc_profiles: Vec<String>,
    /// Where the organization survives a restart; `None` keeps it in memory.
    pub state_file: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 for any free one.
    pub port: u16,
    /// An access token with every scope, held by the administrator; it does not expire.
    pub token: String,
    /// The e-mail address of the administrator, who exists from the start as a full administrator.
    pub admin_email: String,
    /// The client id of the registered application.
    pub client_id: String,
    /// The client secret of the registered application.
    pub client_secret: String,
    /// A refresh token of the registered application.
    pub refresh_token: String,
    /// E-mail addresses that other organizations, or consumers, hold already. Any letter case.
    pub taken_elsewhere: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            org_name: "Lumen Forge".into(),
            seed: 1,
            licenses: LicenseSpec::catalogue(),
            locations: vec![
                LocationSpec::new("Leeds Works", "Leeds", "GB", "Europe/London", "800"),
                LocationSpec::new("Ghent Office", "Ghent", "BE", "Europe/Brussels", "810"),
            ],
            sites: vec!["training-lumenforge.webex.com".into()],
            uc_profiles: vec!["Leeds Cluster".into(), "Ghent Cluster".into()],
            state_file: None,
            port: 0,
            token: "sandbox-token".into(),
            admin_email: "admin@example.com".into(),
            client_id: "sandbox-client".into(),
            client_secret: "sandbox-secret".into(),
            refresh_token: "sandbox-refresh".into(),
            taken_elsewhere: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("seed", &self.seed)
            .field("licenses", &self.licenses.len())
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// One licence that the organization owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseSpec {
    /// Its name, as an administrator sees it.
    pub name: String,
    /// The prefix that Webex puts into the id: `MS`, `EE`, `BCSTD`, ... It decides the rules.
    pub prefix: String,
    /// How many were bought; `None` for licences that are not counted (free and hybrid ones).
    #[serde(default)]
    pub seats: Option<u64>,
    /// The subscription that it belongs to.
    #[serde(default)]
    pub subscription: Option<String>,
    /// The meeting site that it opens.
    #[serde(default)]
    pub site: Option<String>,
}

impl LicenseSpec {
    /// A licence that was bought.
    pub fn paid(name: &str, prefix: &str, seats: u64, subscription: &str) -> Self {
        Self {
            name: name.into(),
            prefix: prefix.into(),
            seats: Some(seats),
            subscription: Some(subscription.into()),
            site: None,
        }
    }

    /// A licence without seats.
    pub fn free(name: &str, prefix: &str) -> Self {
        Self { name: name.into(), prefix: prefix.into(), seats: None, subscription: None, site: None }
    }

    /// The same licence, opening a meeting site.
    pub fn on(mut self, site: &str) -> Self {
        self.site = Some(site.into());
        self
    }

    /// What a mid-sized customer owns.
    pub fn catalogue() -> Vec<Self> {
        vec![
            Self::paid("Advanced Messaging", "MS", 10_000, "Sub100042"),
            Self::paid("Webex Meetings Suite", "EE", 5_000, "Sub100042").on("lumenforge.webex.com"),
            Self::paid("Advanced Space Meetings", "CF", 5_000, "Sub100042"),
            Self::paid("Webex Calling - Professional", "BCSTD", 2_000, "Sub100077"),
            Self::paid("Webex Calling - Standard", "BCBAS", 500, "Sub100077"),
            Self::paid("Attendant Console", "BCATT", 20, "Sub100077"),
            Self::paid("Customer Experience - Essential", "CXESS", 50, "Sub100077"),
            Self::paid("Webex Calling - Workspaces", "BCCA", 100, "Sub100077"),
            Self::paid("Contact Center Premium Agent", "CJPPRM", 100, "Sub100077"),
            Self::free("Hybrid - Exchange Calendar", "CE"),
            Self::free("Basic Messaging", "FMS"),
            Self::free("Free screen share", "FSS"),
        ]
    }
}

/// A place where people can be given a telephone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationSpec {
    /// Its name.
    pub name: String,
    /// The city.
    pub city: String,
    /// ISO 3166 two-letter code.
    pub country: String,
    /// IANA name.
    pub time_zone: String,
    /// Digits in front of an extension, which reach the location from elsewhere.
    pub routing_prefix: String,
}

impl LocationSpec {
    /// A location.
    pub fn new(name: &str, city: &str, country: &str, time_zone: &str, routing_prefix: &str) -> Self {
        Self {
            name: name.into(),
            city: city.into(),
            country: country.into(),
            time_zone: time_zone.into(),
            routing_prefix: routing_prefix.into(),
        }
    }
}
