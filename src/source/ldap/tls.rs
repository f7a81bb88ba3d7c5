//! Trust in the server's certificate, and what a failed handshake means.
//!
//! The client library's own configuration is never used: it drops all roots when one of the
//! system's certificates is unreadable, and caches them for the life of the process.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use x509_parser::parse_x509_certificate;

use crate::source::SourceErrorKind::{Misconfigured, Unreachable};

use super::trouble::Trouble;

/// The TLS configuration for one connection. `name` is what the certificate has to be for,
/// when it is not the name in the URL that the library gets.
///
/// With `ca_file` only the certificates in it are trusted: as authorities, and besides each
/// as the certificate of a server itself, for servers with a self-made certificate that is
/// for no name.
pub(super) fn config(
    ca_file: Option<&Path>,
    name: Option<ServerName<'static>>,
) -> Result<Arc<ClientConfig>, Trouble> {
    let mut roots = RootCertStore::empty();
    let mut pinned = Vec::new();
    match ca_file {
        Some(path) => {
            let shown = path.display();
            let certificates: Vec<_> =
                CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| {
                    Trouble::new(
                        Misconfigured,
                        format!("cannot read the certificate authorities in {shown}: {error}"),
                        "ca_file names a PEM file that this service's account can read",
                    )
                })?;
            roots.add_parsable_certificates(certificates.iter().cloned());
            pinned = certificates;
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(Trouble::new(
            Misconfigured,
            "no certificate authority is trusted: none was found",
            "set ca_file to a PEM file with the authority that signed the server's certificate",
        ));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let no_tls = |error: &dyn std::fmt::Display| {
        Trouble::new(
            Misconfigured,
            format!("TLS cannot be set up: {error}"),
            "check the certificates in ca_file",
        )
    };
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| no_tls(&error))?;
    // A made-up name is nobody's business, least of all the server's.
    let enable_sni = name.is_none();
    let verifier = Verifier { inner, pinned, name, provider: provider.clone() };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| no_tls(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.enable_sni = enable_sni;
    Ok(Arc::new(config))
}

/// The ordinary verification, except that a certificate which the administrator named
/// himself needs no authority and no name.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    pinned: Vec<CertificateDer<'static>>,
    name: Option<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.pinned.iter().any(|pinned| pinned.as_ref() == end_entity.as_ref()) {
            return match validity(end_entity) {
                Some((from, _)) if now.as_secs() < from => Err(CertificateError::NotValidYet.into()),
                Some((_, to)) if now.as_secs() > to => Err(CertificateError::Expired.into()),
                Some(_) => Ok(ServerCertVerified::assertion()),
                None => Err(CertificateError::BadEncoding.into()),
            };
        }
        let name = self.name.as_ref().unwrap_or(server_name);
        self.inner.verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// From when to when a certificate is valid, in seconds since 1970-01-01 UTC.
pub(super) fn validity(certificate: &[u8]) -> Option<(u64, u64)> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    let validity = parsed.validity();
    let secs = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).ok();
    Some((secs(validity.not_before)?, secs(validity.not_after)?))
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
pub(super) fn trouble(server: &str, host: &str, error: &Error) -> Trouble {
    use CertificateError as C;
    const PIN: &str = "Otherwise put the server's own certificate into ca_file: it is then trusted as it is";
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
        Error::InvalidCertificate(C::NotValidForNameContext { presented, .. }) if presented.is_empty() => (
            "its certificate has no subjectAltName, only the old common name, and is therefore for no host".into(),
            format!("give the server a certificate with the subjectAltName \"{host}\". {PIN}"),
        ),
        Error::InvalidCertificate(C::NotValidForName) => (
            format!("its certificate is not for \"{host}\""),
            format!("use the host name in the certificate in the URL, or renew the certificate. {PIN}"),
        ),
        Error::InvalidCertificate(C::NotValidForNameContext { presented, .. }) => (
            format!("its certificate is not for \"{host}\" but for {}", names(presented)),
            format!("use the host name in the certificate in the URL, or renew the certificate. {PIN}"),
        ),
        Error::InvalidCertificate(C::Other(OtherError(inner))) if inner.to_string().contains("CaUsedAsEndEntity") => (
            "it shows the certificate of an authority instead of one of its own".into(),
            format!("give the server a certificate of its own. {PIN}"),
        ),
        Error::InvalidCertificate(other) => {
            (format!("its certificate is not acceptable: {other}"), format!("renew the certificate. {PIN}"))
        }
        Error::InvalidMessage(_) => (
            "what answers there does not speak TLS".into(),
            "use the port for ldaps (usually 636); for StartTLS use an ldap:// URL with start_tls = true".into(),
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
            (names(&[]).into(), "no subjectAltName", "ca_file"),
            (names(&["DnsName(\"a.test\")", "IpAddress(0::1)"]).into(), "but for a.test, 0::1", "URL"),
            (CertificateError::Revoked.into(), "not acceptable", "renew"),
            (Error::InvalidMessage(message), "does not speak TLS", "636"),
            (Error::AlertReceived(rustls::AlertDescription::ProtocolVersion), "agreed", "TLS 1.2"),
        ] {
            let trouble = trouble("ldaps://dc1.example.com", "dc1.example.com", &error);
            assert!(trouble.what.contains(what), "{}", trouble.what);
            assert!(trouble.remedy.contains(remedy), "{}", trouble.remedy);
        }
    }

    #[test]
    fn a_file_without_certificates_is_no_trust() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "nothing").unwrap();
        assert!(config(Some(file.path()), None).unwrap_err().remedy.contains("ca_file"));
        assert!(config(Some(Path::new("/nonexistent")), None).unwrap_err().what.contains("/nonexistent"));
    }
}
