//! `[[source]]`: how each directory is reached.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use url::Url;

use super::{Check, Keepers, is_domain};
use crate::config::{SourceConfig, raw};
use crate::model::Redacted;
use crate::service::{self, Privacy};
use crate::source::ldap;

impl Check<'_> {
    pub(super) fn sources(&mut self, raw: Vec<raw::Source>) -> Vec<SourceConfig> {
        let mut seen = HashSet::new();
        for (i, source) in raw.iter().enumerate() {
            self.name(&format!("source[{i}].name"), &source.name, &mut seen);
        }
        drop(seen);
        raw.into_iter()
            .enumerate()
            .map(|(i, source)| {
                let section = format!("source[{i}]");
                match source.kind {
                    raw::SourceKind::Ldap => self.ldap(&section, source),
                    raw::SourceKind::Ldif => self.ldif(&section, source),
                }
            })
            .collect()
    }

    fn ldif(&mut self, section: &str, source: raw::Source) -> SourceConfig {
        // What would be ignored is an error: it was written for a reason.
        for name in self.document.names_in(section) {
            let key = format!("{section}.{name}");
            if !source.kind.reads(name) && !self.broken.contains(&key) {
                self.fail_key(&key, format!("\"{name}\" means nothing for kind = \"ldif\""), "leave it out");
            }
        }
        if source.path.is_none() {
            self.fail_missing(section, "a source of kind \"ldif\" needs \"path\"", "name the LDIF file");
        }
        let path = self.path(&source.path.unwrap_or_default());
        SourceConfig::Ldif { name: source.name, path }
    }

    fn ldap(&mut self, section: &str, source: raw::Source) -> SourceConfig {
        let key = |name: &str| format!("{section}.{name}");
        if source.path.is_some() {
            self.fail_key(
                &key("path"),
                "\"path\" means nothing for kind = \"ldap\"",
                "leave it out, or write kind = \"ldif\"",
            );
        }
        let urls = self.ldap_urls(section, &source);
        let password = Keepers {
            file: source.password_file.as_deref(),
            environment: source.password_env.as_deref(),
            credential: source.password_credential.as_deref(),
            word: "password",
        };
        let auth = source.auth.map(|auth| match auth {
            raw::AuthBy::Anonymous => ldap::Auth::Anonymous,
            raw::AuthBy::Simple => ldap::Auth::Simple,
            raw::AuthBy::External => ldap::Auth::External,
            raw::AuthBy::Gssapi => ldap::Auth::Gssapi,
        });
        let password = self.login(section, &source, auth, &password);
        self.distinguished_names(&key("bases"), &source.bases);
        self.distinguished_names(&key("group_bases"), &source.group_bases);
        for (name, filter) in [
            ("person_filter", &source.person_filter),
            ("group_filter", &source.group_filter),
            ("room_filter", &source.room_filter),
            ("contact_filter", &source.contact_filter),
        ] {
            if let Some(filter) = filter
                && ldap3::parse_filter(filter).is_err()
            {
                self.fail(
                    &key(name),
                    "this is not an LDAP filter",
                    "write it as in RFC 4515, such as \"(&(objectClass=user)(mail=*))\"",
                );
            }
        }
        if let Some(anchor) = &source.anchor {
            self.filled(&key("anchor"), anchor);
        }
        let connect_timeout = self.duration(&key("connect_timeout"), &source.connect_timeout);
        let operation_timeout = self.duration(&key("operation_timeout"), &source.operation_timeout);
        let ca_file = self.existing(&key("ca_file"), source.ca_file);
        let client_cert_file = self.existing(&key("client_cert_file"), source.client_cert_file);
        let client_key_file = self.existing(&key("client_key_file"), source.client_key_file);
        if let Some(path) = &client_key_file
            && !self.offline
            && let Ok(Privacy::Exposed(how)) = service::privacy(path)
        {
            self.fail(
                &key("client_key_file"),
                format!("the key {} can be read or changed by others ({how})", path.display()),
                "run chmod 600 on it (or 640, when it belongs to root and the service's group), and consider \
                 the key known to others",
            );
        }
        let pin_sha256 = self.pins(&key("pin_sha256"), &source.pin_sha256);
        let nameservers = self.nameservers(&key("nameservers"), &source.nameservers);
        SourceConfig::Ldap(ldap::Settings {
            name: source.name,
            urls,
            domain: source.domain,
            site: source.site,
            nameservers,
            start_tls: source.start_tls,
            danger_plain_ldap: source.danger_plain_ldap,
            ca_file,
            pin_sha256,
            client_cert_file,
            client_key_file,
            auth,
            bind: source.bind,
            password,
            bases: source.bases,
            group_bases: source.group_bases,
            person_filter: source.person_filter,
            group_filter: source.group_filter,
            room_filter: source.room_filter,
            contacts: source.contacts,
            contact_filter: source.contact_filter,
            anchor: source.anchor,
            changes: source.changes.method(),
            page_size: source.page_size,
            connect_timeout,
            operation_timeout,
        })
    }

    /// Whether what is needed to log in is there, and nothing that would mean nothing.
    fn login(
        &mut self,
        section: &str,
        source: &raw::Source,
        auth: Option<ldap::Auth>,
        password: &Keepers<'_>,
    ) -> Redacted<String> {
        use ldap::Auth::{Anonymous, External, Gssapi, Simple};
        let key = |name: &str| format!("{section}.{name}");
        if source.client_cert_file.is_some() != source.client_key_file.is_some() {
            let given =
                if source.client_cert_file.is_some() { "client_cert_file" } else { "client_key_file" };
            self.fail_key(
                &key(given),
                "a client certificate and its key go together",
                "give both client_cert_file and client_key_file; they may be the same file",
            );
        }
        if let Some(bind) = &source.bind {
            self.filled(&key("bind"), bind);
        }
        match (auth, &source.bind) {
            (Some(Simple), None) => {
                self.fail_missing(section, "auth = \"simple\" needs \"bind\"", "say whom to bind as");
                Redacted::default()
            }
            (None | Some(Simple), Some(_)) => self.secret(section, password),
            (Some(Anonymous | External), Some(_)) => {
                self.fail_key(
                    &key("bind"),
                    "nobody is bound by name with this auth",
                    "leave out bind, or write auth = \"simple\"",
                );
                Redacted::default()
            }
            (None, None) if password.given() > 0 => {
                self.fail_missing(
                    section,
                    "a password is given and \"bind\" is missing",
                    "say whom to bind as",
                );
                Redacted::default()
            }
            (Some(Anonymous | External | Gssapi), _) if password.given() > 0 => {
                self.fail_key(&key("auth"), "no password is used with this auth", "leave out the password");
                Redacted::default()
            }
            (Some(External), _) if source.client_cert_file.is_none() => {
                self.fail_missing(
                    section,
                    "auth = \"external\" logs in with a client certificate, and there is none",
                    "set client_cert_file and client_key_file",
                );
                Redacted::default()
            }
            (None | Some(Anonymous | External | Gssapi), _) => Redacted::default(),
        }
    }

    fn pins(&mut self, key: &str, texts: &[String]) -> Vec<[u8; 32]> {
        let mut pins = Vec::with_capacity(texts.len());
        for (i, text) in texts.iter().enumerate() {
            match ldap::Settings::pin(text) {
                Some(pin) => pins.push(pin),
                None => self.fail(
                    &format!("{key}[{i}]"),
                    "this is not a SHA-256 fingerprint",
                    "write its 64 hexadecimal digits, as \"openssl x509 -noout -fingerprint -sha256\" prints them",
                ),
            }
        }
        pins
    }

    fn nameservers(&mut self, key: &str, texts: &[String]) -> Vec<SocketAddr> {
        let mut servers = Vec::with_capacity(texts.len());
        for (i, text) in texts.iter().enumerate() {
            match text.parse().or_else(|_| text.parse().map(|address: IpAddr| (address, 53).into())) {
                Ok(server) => servers.push(server),
                Err(_) => self.fail(
                    &format!("{key}[{i}]"),
                    format!("\"{text}\" is not an address"),
                    "write \"10.0.0.53\", \"10.0.0.53:53\" or \"[fd00::53]:53\"",
                ),
            }
        }
        servers
    }

    fn ldap_urls(&mut self, section: &str, source: &raw::Source) -> Vec<String> {
        let key = |name: &str| format!("{section}.{name}");
        if let Some(domain) = &source.domain {
            if !source.urls.is_empty() {
                self.fail_key(&key("domain"), "both \"domain\" and \"urls\" are given", "keep one of them");
            }
            if !is_domain(domain) {
                self.fail(
                    &key("domain"),
                    format!("\"{domain}\" is not the DNS name of a domain"),
                    "write it as in \"ad.example.com\"; use urls for anything else",
                );
            }
            return vec![];
        }
        for (name, given) in
            [("site", source.site.is_some()), ("nameservers", !source.nameservers.is_empty())]
        {
            if given {
                self.fail_key(
                    &key(name),
                    format!("\"{name}\" means nothing without \"domain\""),
                    "leave it out, or name the domain instead of urls",
                );
            }
        }
        if source.urls.is_empty() {
            self.fail_missing(
                section,
                "no server is named: \"urls\" and \"domain\" are missing",
                "add urls = [\"ldaps://dc1.example.com\"], or domain = \"example.com\" to find them by DNS",
            );
        }
        for (i, text) in source.urls.iter().enumerate() {
            let key = format!("{section}.urls[{i}]");
            let expected =
                "write \"ldaps://host\", \"ldaps://host:port\", or \"ldap://host\" with start_tls = true";
            let url = match Url::parse(text) {
                Ok(url) => url,
                Err(error) => {
                    self.fail(&key, format!("this is not a URL: {error}"), expected);
                    continue;
                }
            };
            let plain = url.scheme() == "ldap";
            if !plain && url.scheme() != "ldaps" {
                self.fail(&key, format!("the scheme \"{}\" is not one of LDAP", url.scheme()), expected);
            } else if !url.username().is_empty() || url.password().is_some() {
                self.fail(&key, "a URL must not hold a user or password", "use bind and password_file");
            } else if url.host_str().unwrap_or_default().is_empty() {
                self.fail(&key, "the URL names no host", expected);
            } else if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
                self.fail(
                    &key,
                    "there is more in this URL than scheme, host and port",
                    "use bases and person_filter for what follows the host",
                );
            } else if plain && !source.start_tls && !source.danger_plain_ldap {
                self.fail(
                    &key,
                    "ldap:// without TLS lets everybody on the network read the password and the people",
                    "write ldaps://, or set start_tls = true; danger_plain_ldap = true allows it nevertheless",
                );
            }
        }
        source.urls.clone()
    }
}
