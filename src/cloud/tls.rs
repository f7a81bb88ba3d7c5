//! The one HTTP client of the process: whom it trusts, through which proxy it goes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

use super::{CloudError, CloudErrorKind};

/// How long a connection may take to come about. Shorter than any answer may take, so that a
/// request that never left can be told from one that was not answered.
const CONNECT: Duration = Duration::from_secs(10);

/// Builds the client for a base address. TLS is required, except for this machine or where
/// `danger_plain_http` allows it. `ca_file` is trusted besides the system's authorities.
pub(crate) fn client(
    base: &Url,
    danger_plain_http: bool,
    ca_file: Option<&Path>,
    timeout: Duration,
) -> Result<Client, CloudError> {
    let local = is_loopback(base);
    match base.scheme() {
        "https" => {}
        "http" if local || danger_plain_http => {}
        "http" => {
            return Err(CloudError::new(
                CloudErrorKind::Refused,
                "the address of the cloud begins with http://, and the token would travel unprotected",
                "write https://, or set danger_plain_http for a laboratory",
            ));
        }
        _ => return Err(unusable("the address of the cloud begins neither with https:// nor with http://")),
    }
    let mut builder = Client::builder()
        .user_agent(concat!("dirsyncd/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls(base.scheme() == "https", ca_file)?)
        // A redirect would carry the token to a host that nobody configured.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .timeout(timeout)
        .connect_timeout(CONNECT.min(timeout))
        .tcp_keepalive(Duration::from_secs(60));
    if local {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| unusable(&format!("the HTTP client cannot be built: {error}")))
}

/// Whether an address names this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn tls(needed: bool, ca_file: Option<&Path>) -> Result<ClientConfig, CloudError> {
    let mut roots = RootCertStore::empty();
    if needed {
        // A store with one broken certificate in it is still a store; errors only count
        // when nothing at all could be read.
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if let Some(file) = ca_file {
            add(&mut roots, file)?;
        }
        if roots.is_empty() {
            return Err(unusable("no certificate authorities were found on this machine"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), CloudError> {
    let name = file.display();
    let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(&format!("the CA file {name} cannot be read: {error}")))?;
    if certificates.is_empty() {
        return Err(unusable(&format!("the CA file {name} contains no certificate in PEM form")));
    }
    for certificate in certificates {
        roots.add(certificate).map_err(|error| {
            unusable(&format!("the CA file {name} holds an unusable certificate: {error}"))
        })?;
    }
    Ok(())
}

fn unusable(what: &str) -> CloudError {
    CloudError::new(
        CloudErrorKind::Unreachable,
        what,
        "correct the address or ca_file in the section [cloud] of the configuration",
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn build(base: &str, danger: bool, ca: Option<&Path>) -> Result<Client, CloudError> {
        client(&Url::parse(base).unwrap(), danger, ca, Duration::from_secs(5))
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for local in ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1"] {
            assert!(build(local, false, None).is_ok(), "{local}");
        }
        assert_eq!(build("http://cloud.example", false, None).unwrap_err().kind, CloudErrorKind::Refused);
        assert!(build("http://cloud.example", true, None).is_ok());
        assert!(build("ftp://cloud.example", true, None).is_err());
    }

    #[test]
    fn a_ca_file_must_be_one() {
        let missing = Path::new("/nonexistent/ca.pem");
        let error = build("https://cloud.example", false, Some(missing)).unwrap_err();
        assert!(error.what.contains("/nonexistent/ca.pem"), "{error}");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"not a certificate").unwrap();
        let error = build("https://cloud.example", false, Some(file.path())).unwrap_err();
        assert!(error.what.contains("no certificate"), "{error}");
    }
}
