//! A server, as an URL says it.

use url::Url;

use crate::source::SourceErrorKind::Misconfigured;

use super::settings::Settings;
use super::trouble::Trouble;

/// Where to connect to, and how.
#[derive(Debug)]
pub(super) struct Target {
    /// The URL, for messages.
    pub server: String,
    /// A name or an address, IPv6 without brackets. The certificate has to be for it.
    pub host: String,
    pub port: u16,
    /// TLS from the first byte.
    pub tls: bool,
    /// TLS after one exchange in clear.
    pub start_tls: bool,
}

impl Target {
    pub(super) fn parse(settings: &Settings, text: &str) -> Result<Self, Trouble> {
        let wrong = |why: &str| {
            Trouble::new(
                Misconfigured,
                format!("the URL \"{text}\" cannot be used: {why}"),
                "write ldaps://host or ldaps://host:port; ldap:// only with start_tls = true",
            )
        };
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        let (tls, default_port) = match url.scheme() {
            "ldaps" => (true, 636),
            "ldap" => (false, 389),
            _ => return Err(wrong("the scheme is neither ldaps nor ldap")),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no host"))?;
        if !tls && !settings.start_tls && !settings.danger_plain_ldap {
            return Err(Trouble::new(
                Misconfigured,
                format!("\"{text}\" would send the password and everybody's data unencrypted"),
                "use ldaps://, or set start_tls = true; danger_plain_ldap = true allows it anyway",
            ));
        }
        Ok(Self {
            server: text.to_owned(),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(default_port),
            tls,
            start_tls: !tls && settings.start_tls,
        })
    }

    /// Whether everything that matters is encrypted.
    pub(super) fn encrypted(&self) -> bool {
        self.tls || self.start_tls
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ldap::settings::tests::settings;

    #[test]
    fn urls() {
        for (url, expected) in [
            ("ldaps://dc1.example.com", Some(("dc1.example.com", 636))),
            ("ldaps://dc1.example.com:3269/", Some(("dc1.example.com", 3269))),
            ("ldaps://[::1]:636", Some(("::1", 636))),
            ("ldaps://127.0.0.1", Some(("127.0.0.1", 636))),
            ("https://dc1.example.com", None),
            ("ldaps://", None),
            ("dc1.example.com", None),
            ("ldap://dc1.example.com", None),
        ] {
            let target = Target::parse(&settings(&[]), url).ok();
            assert_eq!(target.as_ref().map(|t| (t.host.as_str(), t.port)), expected, "{url}");
        }
    }

    #[test]
    fn plain_ldap_needs_a_word_from_the_administrator() {
        let mut settings = settings(&[]);
        let refused = Target::parse(&settings, "ldap://dc1.example.com").err().unwrap();
        assert!(refused.remedy.contains("danger_plain_ldap"), "{}", refused.remedy);
        settings.danger_plain_ldap = true;
        assert!(!Target::parse(&settings, "ldap://dc1.example.com").unwrap().encrypted());
        settings.danger_plain_ldap = false;
        settings.start_tls = true;
        assert!(Target::parse(&settings, "ldap://dc1.example.com").unwrap().start_tls);
    }
}
