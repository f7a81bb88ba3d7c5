//! A domain controller between two requests: its tree, its limits, who we are to it.

use std::collections::BTreeMap;

use super::fault::{At, Faults};
use super::tree::{Guid, Tree};
use super::wire::Entry;

/// What the account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Everything that a directory synchronization needs, deleted objects included.
    Everything,
    /// Reading, without the right to replicate, and without seeing what is deleted.
    Reading,
    /// Nothing any more: answers are successful and empty.
    Nothing,
}

/// Which controller answers.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    /// For example `DC1`.
    pub(crate) name: String,
    pub(crate) invocation: Guid,
    /// Its own numbers of changes are so much higher.
    pub(crate) usn_offset: u64,
    settings: Guid,
}

/// Everything that tests can change.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) tree: Tree,
    pub(crate) domain_id: Guid,
    pub(crate) controller: Controller,
    configuration: Guid,
    pub(crate) rights: Rights,
    pub(crate) password: String,
    /// MaxPageSize.
    pub(crate) max_page: usize,
    /// MaxValRange.
    pub(crate) max_values: usize,
    /// Objects in a round of DirSync.
    pub(crate) round: usize,
    /// Seconds by which its clock is ahead.
    pub(crate) clock_ahead: i64,
    pub(crate) faults: Faults,
    /// How many requests of each kind came.
    pub(crate) seen: Vec<At>,
}

const SITE: &str = "CN=Servers,CN=Default-First-Site-Name,CN=Sites";

impl State {
    pub(crate) fn new(domain: &str, domain_id: Guid) -> Self {
        let mut tree = Tree::new(domain);
        let configuration =
            tree.add(None, &format!("CN=Configuration,{domain}"), &["top", "configuration"], &[]);
        let service = "CN=Directory Service,CN=Windows NT,CN=Services";
        tree.add(Some(configuration), service, &["top", "nTDSService"], &[("tombstoneLifetime", b"180")]);
        let controller =
            Controller { name: String::new(), invocation: [0; 16], usn_offset: 0, settings: configuration };
        let mut state = Self {
            tree,
            domain_id,
            controller,
            configuration,
            rights: Rights::Everything,
            password: "secret".into(),
            max_page: 1000,
            max_values: 1500,
            round: 100,
            clock_ahead: 0,
            faults: Faults::default(),
            seen: vec![],
        };
        state.answer_as("DC1", [0xd1; 16], 5000);
        state
    }

    /// From now on another controller of the domain answers.
    pub(crate) fn answer_as(&mut self, name: &str, invocation: Guid, usn_offset: u64) {
        let rdn = format!("CN=NTDS Settings,CN={name},{SITE}");
        let settings = self.tree.add(
            Some(self.configuration),
            &rdn,
            &["top", "nTDSDSA"],
            &[("invocationId", &invocation)],
        );
        self.controller = Controller { name: name.into(), invocation, usn_offset, settings };
    }

    /// The root entry.
    pub(crate) fn root(&self, wanted: &[String]) -> Entry {
        let domain = &self.tree.domain;
        let configuration = format!("CN=Configuration,{domain}");
        let host = format!("{}.{}", self.controller.name.to_lowercase(), self.dns());
        let server = format!("CN={},{SITE},{configuration}", self.controller.name);
        let now = dirsyncd::clock::now() + chrono::Duration::seconds(self.clock_ahead);
        let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let all: BTreeMap<&str, Vec<String>> = BTreeMap::from([
            ("currentTime", vec![now.format("%Y%m%d%H%M%S.0Z").to_string()]),
            ("defaultNamingContext", vec![domain.clone()]),
            ("rootDomainNamingContext", vec![domain.clone()]),
            ("configurationNamingContext", vec![configuration.clone()]),
            ("schemaNamingContext", vec![format!("CN=Schema,{configuration}")]),
            ("namingContexts", vec![domain.clone(), configuration.clone()]),
            ("dnsHostName", vec![host]),
            ("serverName", vec![server]),
            ("dsServiceName", vec![self.tree.dn(&self.controller.settings)]),
            ("highestCommittedUSN", vec![(self.tree.clock + self.controller.usn_offset).to_string()]),
            ("domainControllerFunctionality", list(&["7"])),
            ("domainFunctionality", list(&["7"])),
            ("isSynchronized", list(&["TRUE"])),
            ("isGlobalCatalogReady", list(&["TRUE"])),
            ("supportedLDAPVersion", list(&["3", "2"])),
            ("supportedSASLMechanisms", list(&["GSSAPI", "GSS-SPNEGO", "EXTERNAL", "DIGEST-MD5"])),
            ("supportedLDAPPolicies", list(&["MaxPageSize", "MaxValRange", "MaxNotificationPerConn"])),
            (
                "supportedCapabilities",
                list(&["800", "1670", "1791", "1935", "2080", "2237"])
                    .into_iter()
                    .map(|last| format!("1.2.840.113556.1.4.{last}"))
                    .collect(),
            ),
            (
                "supportedControl",
                list(&["319", "841", "529", "417", "2064", "528", "801", "473"])
                    .into_iter()
                    .map(|last| format!("1.2.840.113556.1.4.{last}"))
                    .collect(),
            ),
        ]);
        let asked = |name: &str| {
            let all = wanted.is_empty() || wanted.iter().any(|one| one == "*" || one == "+");
            all || wanted.iter().any(|one| one.eq_ignore_ascii_case(name))
        };
        let attributes = all
            .into_iter()
            .filter(|(name, _)| asked(name))
            .map(|(name, values)| (name.to_owned(), values.into_iter().map(String::into_bytes).collect()));
        Entry { dn: String::new(), attributes: attributes.collect() }
    }

    fn dns(&self) -> String {
        let parts = self.tree.domain.split(',').filter_map(|part| part.strip_prefix("DC="));
        parts.collect::<Vec<_>>().join(".")
    }
}
