//! TLS to a server: whom to trust, who we are, and what a failed handshake means.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Error, OtherError, ProtocolVersion,
    RootCertStore,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::source::SourceErrorKind::{Misconfigured, Unreachable};

use super::settings::Settings;
use super::target::Target;
use super::trouble::Trouble;
use super::verify::{Pin, Trust, Verifier, shown};

/// What a handshake agreed on.
#[derive(Debug)]
pub(super) struct Agreed {
    /// For people to read, such as `TLS 1.3`.
    pub version: &'static str,
    /// As IANA registered it, such as `TLS_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// The certificate of the server (DER).
    pub certificate: Option<Vec<u8>>,
}

impl Agreed {
    /// What a connection speaks after its handshake.
    pub(super) fn of(connection: &ClientConnection) -> Self {
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
            // The library speaks no other.
            _ => "TLS",
        };
        let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        let shown = connection.peer_certificates();
        Self {
            version,
            // The library marks the suites of TLS 1.3, the registry does not.
            cipher: suite.unwrap_or_default().replacen("TLS13_", "TLS_", 1),
            certificate: shown.and_then(|chain| chain.first()).map(|certificate| certificate.to_vec()),
        }
    }
}

/// How TLS is spoken with one server.
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    seen: Arc<Mutex<Option<Pin>>>,
}

impl Tls {
    /// Reads the files that the settings name. Anew for each connection: certificates are renewed
    /// while services run.
    pub(super) fn new(settings: &Settings) -> Result<Self, Trouble> {
        let no_tls = |error: &dyn std::fmt::Display| {
            Trouble::new(
                Misconfigured,
                format!("TLS cannot be set up: {error}"),
                "check the files in ca_file, client_cert_file and client_key_file",
            )
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let seen = Arc::new(Mutex::new(None));
        let trust = match settings.pin_sha256.as_slice() {
            [] => trust(settings.ca_file.as_deref(), &provider)?,
            pins => Trust::Pins(pins.to_vec()),
        };
        let verifier = Verifier { trust, provider: provider.clone(), seen: seen.clone() };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| no_tls(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = match (&settings.client_cert_file, &settings.client_key_file) {
            (Some(certificate), Some(key)) => {
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| unreadable(key, "private key", &error))?;
                config
                    .with_client_auth_cert(certificates(certificate)?, key)
                    .map_err(|error| no_tls(&error))?
            }
            _ => config.with_no_client_auth(),
        };
        Ok(Self { config: Arc::new(config), seen })
    }

    /// Shakes hands.
    pub(super) async fn connect<S>(&self, target: &Target, stream: S) -> Result<TlsStream<S>, Trouble>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Target { server, host, .. } = target;
        let name = ServerName::try_from(host.clone()).map_err(|_| {
            Trouble::new(
                Misconfigured,
                format!("no certificate can be for \"{host}\" in {server}"),
                "use the DNS name or the address of the server in the URL",
            )
        })?;
        TlsConnector::from(self.config.clone()).connect(name, stream).await.map_err(|error| {
            let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(inner) => trouble(server, host, inner, seen),
                None => broken_off(server, &error),
            }
        })
    }
}

/// With `ca_file` only the certificates in it are trusted: as authorities, and besides each
/// as the certificate of a server itself, for servers with a self-made certificate that is
/// for no name.
fn trust(ca_file: Option<&Path>, provider: &Arc<CryptoProvider>) -> Result<Trust, Trouble> {
    let mut roots = RootCertStore::empty();
    let mut named = Vec::new();
    match ca_file {
        Some(path) => {
            named = certificates(path)?;
            roots.add_parsable_certificates(named.iter().cloned());
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let nobody = || {
        Trouble::new(
            Misconfigured,
            "no certificate authority is trusted: none was found",
            "set ca_file to a PEM file with the authority that signed the server's certificate",
        )
    };
    if roots.is_empty() {
        return Err(nobody());
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|_| nobody())?;
    Ok(Trust::Authorities { verifier, named })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(path, "certificates", &error))
}

fn unreadable(path: &Path, what: &str, error: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(
        Misconfigured,
        format!("cannot read the {what} in {}: {error}", path.display()),
        "name a PEM file that this service's account can read",
    )
}

fn broken_off(server: &str, error: &io::Error) -> Trouble {
    Trouble::new(
        Unreachable,
        format!("{server} broke the connection off while TLS was being set up: {error}"),
        "check that the server has a certificate for LDAP and that the port is the right one",
    )
}

/// The names in a certificate, which the verifier lists as `DnsName("host")` or `IpAddress(addr)`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(')'));
        inner.trim_matches('"').to_owned()
    };
    presented.iter().map(bare).collect::<Vec<_>>().join(", ")
}

/// Why a handshake with the server failed.
fn trouble(server: &str, host: &str, error: &Error, seen: Option<Pin>) -> Trouble {
    use CertificateError as C;
    let pin = match seen.as_ref().map(shown) {
        Some(pin) => format!(
            "Otherwise trust this one certificate as it is, after comparing its fingerprint with the server's: \
             pin_sha256 = [\"{pin}\"]"
        ),
        None => "Otherwise put the server's own certificate into ca_file: it is then trusted as it is".into(),
    };
    let (why, remedy) = match error {
        Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => {
            ("its certificate has expired".to_owned(), "renew the certificate of the server".to_owned())
        }
        Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => (
            "its certificate is not valid yet".into(),
            "check the clocks of this machine and of the server".into(),
        ),
        // The wrong signature is an authority with the right name and another key: it was set up anew.
        Error::InvalidCertificate(C::UnknownIssuer | C::BadSignature) => (
            "its certificate is signed by an authority that is not trusted here".into(),
            "set ca_file to a PEM file with the authority that signed the certificate (Active Directory: the \
             root certificate of the domain's certification authority)"
                .into(),
        ),
        Error::InvalidCertificate(C::ApplicationVerificationFailure) => (
            "its certificate is none of those in pin_sha256".into(),
            format!(
                "somebody may be in between: compare the fingerprint with that of the server's certificate; if the \
                 server got a new one, set pin_sha256 = [\"{}\"]",
                seen.as_ref().map(shown).unwrap_or_default()
            ),
        ),
        Error::InvalidCertificate(C::NotValidForNameContext { presented, .. }) if presented.is_empty() => (
            "its certificate has no subjectAltName, only the old common name, and is therefore for no host".into(),
            format!("give the server a certificate with the subjectAltName \"{host}\". {pin}"),
        ),
        Error::InvalidCertificate(C::NotValidForName) => (
            format!("its certificate is not for \"{host}\""),
            format!("use the host name in the certificate in the URL, or renew the certificate. {pin}"),
        ),
        Error::InvalidCertificate(C::NotValidForNameContext { presented, .. }) => (
            format!("its certificate is not for \"{host}\" but for {}", names(presented)),
            format!("use the host name in the certificate in the URL, or renew the certificate. {pin}"),
        ),
        Error::InvalidCertificate(C::Other(OtherError(inner))) if inner.to_string().contains("CaUsedAsEndEntity") => (
            "it shows the certificate of an authority instead of one of its own".into(),
            format!("give the server a certificate of its own. {pin}"),
        ),
        Error::InvalidCertificate(other) => {
            (format!("its certificate is not acceptable: {other}"), format!("renew the certificate. {pin}"))
        }
        Error::InvalidMessage(_) => (
            "what answers there does not speak TLS".into(),
            "use the port for ldaps (usually 636); for StartTLS use an ldap:// URL with start_tls = true".into(),
        ),
        Error::AlertReceived(AlertDescription::CertificateRequired | AlertDescription::UnknownCA) => (
            format!("it does not take our client certificate: {error}"),
            "set client_cert_file and client_key_file to a certificate that the server's authority signed".into(),
        ),
        Error::AlertReceived(_) | Error::PeerIncompatible(_) => (
            format!("TLS could not be agreed on: {error}"),
            "the server must allow TLS 1.2 or later with forward secrecy".into(),
        ),
        other => (format!("the TLS handshake failed: {other}"), "look into the server's log".into()),
    };
    Trouble::new(Unreachable, format!("{server} is not trusted: {why}"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ldap::settings::tests::settings;

    #[test]
    fn failed_handshakes_are_told_in_words_with_a_remedy() {
        let names = |presented: &[&str]| CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("dc1.example.com").unwrap(),
            presented: presented.iter().map(|name| (*name).to_owned()).collect(),
        };
        let message = rustls::InvalidMessage::InvalidContentType;
        for (error, what, remedy) in [
            (CertificateError::Expired.into(), "expired", "renew"),
            (CertificateError::NotValidYet.into(), "not valid yet", "clocks"),
            (CertificateError::UnknownIssuer.into(), "not trusted here", "ca_file"),
            (CertificateError::BadSignature.into(), "not trusted here", "ca_file"),
            (names(&[]).into(), "no subjectAltName", "pin_sha256 = [\"abababab"),
            (CertificateError::ApplicationVerificationFailure.into(), "none of those", "[\"abababab"),
            (names(&["DnsName(\"a.test\")", "IpAddress(0::1)"]).into(), "but for a.test, 0::1", "URL"),
            (CertificateError::Revoked.into(), "not acceptable", "renew"),
            (Error::InvalidMessage(message), "does not speak TLS", "636"),
            (Error::AlertReceived(rustls::AlertDescription::ProtocolVersion), "agreed", "TLS 1.2"),
        ] {
            let trouble = trouble("ldaps://dc1.example.com", "dc1.example.com", &error, Some([0xab; 32]));
            assert!(trouble.what.contains(what), "{}", trouble.what);
            assert!(trouble.remedy.contains(remedy), "{}", trouble.remedy);
        }
    }

    #[test]
    fn a_file_without_certificates_is_no_trust() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "nothing").unwrap();
        let mut settings = settings(&[]);
        settings.ca_file = Some(file.path().into());
        assert!(Tls::new(&settings).err().unwrap().remedy.contains("ca_file"));
        settings.ca_file = Some("/nonexistent".into());
        assert!(Tls::new(&settings).err().unwrap().what.contains("/nonexistent"));
        // With a pin nobody else is trusted, and nobody is needed.
        settings.pin_sha256 = vec![[0; 32]];
        assert!(Tls::new(&settings).is_ok());
    }
}
