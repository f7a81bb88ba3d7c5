//! Which directory this is, by its root entry, and what follows from that.

use std::time::Duration;

use crate::model::{self, Attribute, normal_dn};
use crate::source::SourceErrorKind::Misconfigured;

use super::connect::Session;
use super::search;
use super::settings::Settings;
use super::trouble::Trouble;

/// The kinds of servers that differ for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vendor {
    /// Active Directory Domain Services, also as Samba speaks it.
    ActiveDirectory,
    /// Active Directory Lightweight Directory Services.
    AdLds,
    OpenLdap,
    /// 389 Directory Server, Red Hat Directory Server.
    Ds389,
    Other,
}

impl Vendor {
    /// Filters for people, the second to be tried when the first finds nobody.
    pub(super) fn person_filters(self) -> &'static [&'static str] {
        match self {
            Self::ActiveDirectory => &["(&(objectCategory=person)(objectClass=user))"],
            Self::AdLds => &["(objectClass=user)"],
            _ => &["(objectClass=inetOrgPerson)", "(objectClass=person)"],
        }
    }

    pub(super) fn group_filter(self) -> &'static str {
        match self {
            Self::ActiveDirectory | Self::AdLds => "(objectClass=group)",
            _ => "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
        }
    }

    /// Where the anchor is.
    pub(super) fn anchors(self) -> &'static [&'static str] {
        match self {
            Self::ActiveDirectory | Self::AdLds => &["objectGUID"],
            Self::OpenLdap => &["entryUUID"],
            Self::Ds389 => &["nsUniqueId"],
            Self::Other => &["objectGUID", "entryUUID", "nsUniqueId"],
        }
    }

    /// What says that an account must not be used, and what kind of object it is.
    pub(super) fn states(self) -> &'static [&'static str] {
        match self {
            Self::ActiveDirectory => &[
                "userAccountControl",
                "accountExpires",
                "msExchResourceMetaData",
                "msExchRecipientDisplayType",
            ],
            Self::AdLds => &["msDS-UserAccountDisabled", "accountExpires"],
            Self::OpenLdap => &["pwdAccountLockedTime"],
            Self::Ds389 => &["nsAccountLock"],
            Self::Other => &["nsAccountLock", "pwdAccountLockedTime"],
        }
    }
}

/// What the root entry told.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub vendor: Vendor,
    /// Vendor and version in words.
    pub product: String,
    /// The partitions of the tree.
    pub contexts: Vec<String>,
    /// The partition with the people, where the server tells.
    pub default_context: Option<String>,
    /// The settings object of the domain controller that answered (AD).
    ds_service: Option<String>,
    /// The host name that the server gives itself.
    pub host: Option<String>,
}

/// Reads the root entry.
pub(super) async fn detect(session: &mut Session, limit: Duration) -> Result<Directory, Trouble> {
    let wanted = [
        "namingContexts",
        "defaultNamingContext",
        "supportedCapabilities",
        "vendorName",
        "vendorVersion",
        "objectClass",
        "dsServiceName",
        "dnsHostName",
        "domainControllerFunctionality",
    ];
    let object = format!("reading what kind of directory {} is", session.server);
    let root = search::one(session, "", wanted.map(String::from).to_vec(), limit)
        .await
        .map_err(|failure| failure.into_trouble(&object))?;
    // A server may hide its root entry: nothing is known then, and nothing is wrong.
    Ok(Directory::from_root(&root.map(|root| root.attributes).unwrap_or_default()))
}

impl Directory {
    fn from_root(root: &[Attribute]) -> Self {
        let all = |name: &str| -> Vec<String> {
            root.iter()
                .filter(|attribute| attribute.name == name)
                .flat_map(|attribute| &attribute.values)
                .map(|value| String::from_utf8_lossy(value).into_owned())
                .collect()
        };
        let first = |name: &str| all(name).into_iter().next();
        let has = |name: &str, value: &str| all(name).iter().any(|v| v.eq_ignore_ascii_case(value));
        let vendor_name = first("vendorname").unwrap_or_default();
        let vendor_version = first("vendorversion").unwrap_or_default();
        // [MS-ADTS] 3.1.1.3.4.3: LDAP_CAP_ACTIVE_DIRECTORY_OID and LDAP_CAP_ACTIVE_DIRECTORY_ADAM_OID.
        let (vendor, product) = if has("supportedcapabilities", "1.2.840.113556.1.4.1851") {
            (Vendor::AdLds, "Active Directory Lightweight Directory Services".to_owned())
        } else if has("supportedcapabilities", "1.2.840.113556.1.4.800") {
            let name =
                if vendor_name.contains("Samba") { "Samba Active Directory" } else { "Active Directory" };
            let level = first("domaincontrollerfunctionality");
            let level = level.as_deref().and_then(level_words).map(|words| format!(", level of {words}"));
            (Vendor::ActiveDirectory, format!("{name}{}", level.unwrap_or_default()))
        } else if vendor_version.contains("389-Directory") || vendor_name.contains("389 Project") {
            (Vendor::Ds389, vendor_version)
        } else if has("objectclass", "OpenLDAProotDSE") {
            (Vendor::OpenLdap, "OpenLDAP".to_owned())
        } else {
            let words = format!("{vendor_name} {vendor_version}");
            let words = words.trim();
            (Vendor::Other, if words.is_empty() { "an LDAP directory" } else { words }.to_owned())
        };
        Self {
            vendor,
            product,
            contexts: all("namingcontexts"),
            default_context: first("defaultnamingcontext"),
            ds_service: first("dsservicename"),
            host: first("dnshostname"),
        }
    }

    /// Where to search: what is configured, else the naming context with the people.
    pub(super) fn bases(&self, settings: &Settings) -> Result<Vec<String>, Trouble> {
        if !settings.bases.is_empty() {
            return Ok(without_nested(&settings.bases));
        }
        if let Some(base) = &self.default_context {
            return Ok(vec![base.clone()]);
        }
        match self.contexts.as_slice() {
            [only] => Ok(vec![only.clone()]),
            [] => Err(Trouble::new(
                Misconfigured,
                "no base is configured, and the server does not tell its naming contexts",
                "set bases to the DNs under which people are, such as ou=people,dc=example,dc=com",
            )),
            several => Err(Trouble::new(
                Misconfigured,
                format!(
                    "no base is configured, and the server has several naming contexts: {}",
                    several.join("; ")
                ),
                "set bases to those under which people are",
            )),
        }
    }

    /// What tells this directory from another one behind the same name: the naming contexts
    /// of the bases, and the id of the replica (AD) or of the topmost entry.
    pub(super) async fn identity(&self, session: &mut Session, bases: &[String], limit: Duration) -> String {
        let mut contexts: Vec<&str> = bases.iter().map(|base| self.context_of(base)).collect();
        contexts.sort_unstable();
        contexts.dedup();
        let anchor = |attributes: &[Attribute], names: &[&str]| {
            let found = attributes.iter().find(|attribute| names.contains(&attribute.name.as_str()))?;
            let value = found.values.first()?;
            Some(match <[u8; 16]>::try_from(value.as_slice()) {
                Ok(guid) => crate::model::SourceId::from_ad_guid(guid).to_string(),
                Err(_) => String::from_utf8_lossy(value).into_owned(),
            })
        };
        let (dn, names): (Option<&str>, &[&str]) = match self.vendor {
            Vendor::ActiveDirectory | Vendor::AdLds => (self.ds_service.as_deref(), &["invocationid"]),
            _ => (contexts.first().copied(), &["entryuuid", "nsuniqueid"]),
        };
        let mut id = None;
        if let Some(dn) = dn {
            let wanted = names.iter().map(|name| (*name).to_owned()).collect();
            // Not being allowed to read it is no trouble: the name alone is then the identity.
            let entry = search::one(session, dn, wanted, limit).await.ok().flatten();
            id = entry.and_then(|entry| anchor(&entry.attributes, names));
        }
        let name = contexts.join("; ").to_lowercase();
        match id {
            Some(id) => format!("{name} @ {id}"),
            None => name,
        }
    }

    /// The partition that holds a base, or the base itself where the server does not tell.
    pub(super) fn context_of<'a>(&'a self, base: &'a str) -> &'a str {
        let inner = self.contexts.iter().filter(|context| is_under(base, context));
        inner.max_by_key(|context| context.len()).map_or(base, String::as_str)
    }
}

/// The level of a domain controller ([MS-ADTS] 6.1.4.4).
fn level_words(level: &str) -> Option<&'static str> {
    Some(match level {
        "4" => "Windows Server 2008 R2",
        "5" => "Windows Server 2012",
        "6" => "Windows Server 2012 R2",
        "7" => "Windows Server 2016",
        "10" => "Windows Server 2025",
        _ => return None,
    })
}

/// Drops bases that lie under others: their entries would come twice.
pub(super) fn without_nested(bases: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for base in bases {
        if kept.iter().any(|other| is_under(base, other)) {
            continue;
        }
        kept.retain(|other| !is_under(other, base));
        kept.push(base.clone());
    }
    kept
}

/// Whether a DN is another one, or lies under it.
pub(super) fn is_under(dn: &str, ancestor: &str) -> bool {
    model::is_under(&normal_dn(dn), &normal_dn(ancestor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ldap::settings::tests::settings;

    fn root(attributes: &[(&str, &[&str])]) -> Directory {
        let attributes: Vec<Attribute> = attributes
            .iter()
            .map(|(name, values)| Attribute {
                name: (*name).into(),
                values: values.iter().map(|v| v.as_bytes().to_vec()).collect(),
            })
            .collect();
        Directory::from_root(&attributes)
    }

    #[test]
    fn vendors() {
        let ad = ("supportedcapabilities", &["1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1670"][..]);
        let found = root(&[ad, ("domaincontrollerfunctionality", &["7"])]);
        assert_eq!(
            (found.vendor, found.product.as_str()),
            (Vendor::ActiveDirectory, "Active Directory, level of Windows Server 2016")
        );
        assert!(
            root(&[ad, ("vendorname", &["Samba Team (https://samba.org)"])]).product.starts_with("Samba")
        );
        assert_eq!(root(&[("supportedcapabilities", &["1.2.840.113556.1.4.1851"])]).vendor, Vendor::AdLds);
        assert_eq!(root(&[("vendorversion", &["389-Directory/2.3.1 B2023"])]).vendor, Vendor::Ds389);
        assert_eq!(root(&[("objectclass", &["top", "OpenLDAProotDSE"])]).vendor, Vendor::OpenLdap);
        assert_eq!(root(&[]).vendor, Vendor::Other);
    }

    #[test]
    fn bases_without_configuration() {
        let with = |attributes: &[(&str, &[&str])]| root(attributes).bases(&settings(&[]));
        assert_eq!(with(&[("namingcontexts", &["dc=a"])]).unwrap(), ["dc=a"]);
        assert_eq!(
            with(&[("namingcontexts", &["dc=a", "dc=b"]), ("defaultnamingcontext", &["dc=b"])]).unwrap(),
            ["dc=b"]
        );
        assert!(with(&[("namingcontexts", &["dc=a", "dc=b"])]).unwrap_err().what.contains("dc=a; dc=b"));
        assert!(with(&[]).is_err());
    }

    #[test]
    fn a_base_under_another_is_searched_once() {
        let bases = ["OU=Sales, DC=x", "dc=x", "ou=b,DC=X", "dc=xx", r"cn=a\,dc=y", "dc=y"].map(String::from);
        assert_eq!(without_nested(&bases), ["dc=x", "dc=xx", r"cn=a\,dc=y", "dc=y"]);
    }
}
