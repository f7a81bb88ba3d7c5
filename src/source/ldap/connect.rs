//! From the settings to a connection that is encrypted, trusted and logged in.

use std::io;
use std::net::{IpAddr, Ipv6Addr};

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, StdStream};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use crate::source::SourceErrorKind::{Misconfigured, Refused, Unreachable};

use super::bind;
use super::settings::Settings;
use super::tls;
use super::trouble::{Failure, Trouble, code_words};

/// An open connection.
pub(super) struct Session {
    /// Sends operations.
    pub ldap: Ldap,
    /// The URL as configured, for messages.
    pub server: String,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
    /// The task that moves bytes. It ends by itself when the connection does.
    /// Taken once it has ended.
    driver: Option<AbortOnDropHandle<Result<(), LdapError>>>,
}

impl Session {
    /// Says good-bye, without waiting long for anything.
    pub(super) async fn close(mut self) {
        let _ = timeout(std::time::Duration::from_secs(1), self.ldap.unbind()).await;
    }

    /// Sharpens the words about a lost connection with what ended it.
    pub(super) async fn explain(&mut self, failure: Failure) -> Failure {
        let Failure::Lost(words) = failure else { return failure };
        let Some(mut driver) = self.driver.take() else { return Failure::Lost(words) };
        // The driver ends together with the connection; it may not have been scheduled yet.
        match timeout(std::time::Duration::from_millis(200), &mut driver).await {
            Ok(Ok(Err(error))) => Failure::Lost(format!("the connection broke: {error}")),
            Ok(Err(panic)) if panic.is_panic() => {
                Failure::Nonsense("the server sent something that is not LDAP".into())
            }
            _ => Failure::Lost(words),
        }
    }
}

/// Opens a connection to the first server that takes us.
pub(super) async fn open(settings: &Settings) -> Result<Session, Trouble> {
    let mut missed: Vec<Trouble> = Vec::new();
    for url in &settings.urls {
        match open_one(settings, url).await {
            Ok(session) => return Ok(session),
            // Who refuses us, or what we wrote wrong, does not change with the next server.
            Err(trouble) if trouble.kind != Unreachable => return Err(trouble),
            Err(trouble) => {
                tracing::warn!(source = %settings.name, "directory server not reached, trying the next");
                missed.push(trouble);
            }
        }
    }
    if missed.len() == 1
        && let Some(only) = missed.pop()
    {
        return Err(only);
    }
    let Some(first) = missed.first() else {
        return Err(Trouble::new(
            Misconfigured,
            "no server is configured",
            "name at least one URL, such as ldaps://dc1.example.com",
        ));
    };
    let what: Vec<&str> = missed.iter().map(|trouble| trouble.what.as_str()).collect();
    Err(Trouble::new(Unreachable, what.join("; "), first.remedy.clone()))
}

/// A server, as an URL says it.
struct Target {
    host: String,
    port: u16,
    tls: bool,
    start_tls: bool,
}

impl Target {
    fn parse(settings: &Settings, text: &str) -> Result<Self, Trouble> {
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
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(default_port),
            tls,
            start_tls: !tls && settings.start_tls,
        })
    }

    /// What the client library takes for the host. It cannot pass an IPv6 literal on to TLS,
    /// so it gets a name that stands for it; the certificate is verified against the address.
    fn library_url(&self) -> (String, Option<ServerName<'static>>) {
        let scheme = if self.tls { "ldaps" } else { "ldap" };
        match self.host.parse::<Ipv6Addr>() {
            Ok(address) => (
                format!("{scheme}://ipv6.invalid:{}", self.port),
                Some(ServerName::IpAddress(IpAddr::V6(address).into())),
            ),
            Err(_) => (format!("{scheme}://{}:{}", self.host, self.port), None),
        }
    }
}

async fn open_one(settings: &Settings, server: &str) -> Result<Session, Trouble> {
    let target = Target::parse(settings, server)?;
    let limit = settings.connect_timeout;
    let (url, name) = target.library_url();
    let mut library = LdapConnSettings::new().set_conn_timeout(limit).set_starttls(target.start_tls);
    if target.tls || target.start_tls {
        library = library.set_config(tls::config(settings.ca_file.as_deref(), name)?);
    }
    let stream = dial(&target, settings, server).await?;
    let library = library.set_std_stream(StdStream::Tcp(stream));
    let (connection, mut ldap) = LdapConnAsync::with_settings(library, &url)
        .await
        .map_err(|error| handshake_trouble(settings, &target, server, error))?;
    let driver = AbortOnDropHandle::new(tokio::spawn(connection.drive()));
    let bound = bind::bind(&mut ldap, settings).await;
    let mut session = Session {
        ldap,
        server: server.to_owned(),
        encrypted: target.tls || target.start_tls,
        driver: Some(driver),
    };
    match bound {
        Ok(Ok(())) => Ok(session),
        Ok(Err(refused)) => Err(refused),
        Err(failure) => {
            let failure = session.explain(failure).await;
            let mut trouble = failure.into_trouble(&format!("binding to {server}"));
            trouble.kind = Unreachable;
            Err(trouble)
        }
    }
}

/// Opens the TCP connection: to each address of the name in turn.
async fn dial(target: &Target, settings: &Settings, server: &str) -> Result<std::net::TcpStream, Trouble> {
    let limit = settings.connect_timeout;
    let late = || {
        Trouble::new(
            Unreachable,
            format!("{server} did not answer within {} s", limit.as_secs_f32()),
            "check that the server runs and that no firewall drops the connection",
        )
    };
    let addresses = timeout(limit, tokio::net::lookup_host((target.host.as_str(), target.port)))
        .await
        .map_err(|_| late())?
        .map_err(|error| {
            Trouble::new(
                Unreachable,
                format!("the name \"{}\" in {server} cannot be resolved: {error}", target.host),
                "correct the host name, or the DNS configuration of this machine",
            )
        })?;
    let mut last = None;
    for address in addresses {
        match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let plain = stream.set_nodelay(true).and_then(|()| stream.into_std());
                return plain.map_err(|error| no_connection(server, &error));
            }
            Ok(Err(error)) => last = Some(no_connection(server, &error)),
            Err(_) => last = Some(late()),
        }
    }
    Err(last.unwrap_or_else(|| {
        Trouble::new(Unreachable, format!("the name in {server} has no address"), "correct the host name")
    }))
}

fn no_connection(server: &str, error: &io::Error) -> Trouble {
    let remedy = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there: check the port, and that the server runs",
        _ => "check the network between this machine and the server",
    };
    Trouble::new(Unreachable, format!("cannot connect to {server}: {error}"), remedy)
}

fn handshake_trouble(settings: &Settings, target: &Target, server: &str, error: LdapError) -> Trouble {
    match error {
        LdapError::Timeout { .. } => Trouble::new(
            Unreachable,
            format!(
                "{server} took the connection and then did not answer within {} s",
                settings.connect_timeout.as_secs_f32()
            ),
            "check the load of the server, and that the port is the one for this kind of URL",
        ),
        LdapError::Rustls { source } => tls::trouble(server, &target.host, &source),
        LdapError::Io { source } => match source.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(inner) => tls::trouble(server, &target.host, inner),
            None => Trouble::new(
                Unreachable,
                format!("{server} broke the connection off while TLS was being set up: {source}"),
                "check that the server has a certificate for LDAP and that the port is the right one",
            ),
        },
        LdapError::LdapResult { result } => Trouble::new(
            Refused,
            format!("{server} does not do StartTLS: {}", code_words(&result)),
            "give the server a certificate for LDAP, or use an ldaps:// URL",
        ),
        other => Trouble::new(
            Unreachable,
            format!("cannot connect to {server}: {other}"),
            "check the URL and the server's log",
        ),
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
    fn an_ipv6_literal_reaches_the_verification_and_not_the_library() {
        let url = |text: &str| Target::parse(&settings(&[]), text).unwrap().library_url();
        assert_eq!(url("ldaps://dc1.example.com"), ("ldaps://dc1.example.com:636".into(), None));
        let (library, name) = url("ldaps://[::1]:1636");
        assert_eq!(library, "ldaps://ipv6.invalid:1636");
        assert_eq!(name, Some(ServerName::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST).into())));
    }

    #[test]
    fn plain_ldap_needs_a_word_from_the_administrator() {
        let mut settings = settings(&[]);
        let refused = Target::parse(&settings, "ldap://dc1.example.com").err().unwrap();
        assert!(refused.remedy.contains("danger_plain_ldap"), "{}", refused.remedy);
        settings.danger_plain_ldap = true;
        assert!(Target::parse(&settings, "ldap://dc1.example.com").is_ok());
        settings.danger_plain_ldap = false;
        settings.start_tls = true;
        assert!(Target::parse(&settings, "ldap://dc1.example.com").unwrap().start_tls);
    }
}
