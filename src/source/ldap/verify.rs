//! Whether a server's certificate is trusted.

use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{SHA256, digest};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::parse_x509_certificate;

/// The SHA-256 of a certificate (DER).
pub(super) type Pin = [u8; 32];

/// What a certificate is held against.
#[derive(Debug)]
pub(super) enum Trust {
    /// Authorities, and certificates that an administrator named as they are: those need no
    /// authority and no name.
    Authorities { verifier: Arc<WebPkiServerVerifier>, named: Vec<CertificateDer<'static>> },
    /// These certificates and nothing else.
    Pins(Vec<Pin>),
}

/// The verification, which keeps what it saw for the words about a failure.
#[derive(Debug)]
pub(super) struct Verifier {
    pub trust: Trust,
    pub provider: Arc<CryptoProvider>,
    pub seen: Arc<Mutex<Option<Pin>>>,
}

impl Verifier {
    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }
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
        let pin = fingerprint(end_entity);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(pin);
        match &self.trust {
            Trust::Authorities { named, .. }
                if named.iter().any(|one| one.as_ref() == end_entity.as_ref()) =>
            {
                in_time(end_entity, now)
            }
            Trust::Authorities { verifier, .. } => {
                verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            Trust::Pins(pins) if pins.contains(&pin) => in_time(end_entity, now),
            Trust::Pins(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, self.algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, self.algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}

fn in_time(certificate: &[u8], now: UnixTime) -> Result<ServerCertVerified, Error> {
    match validity(certificate) {
        Some((from, _)) if now.as_secs() < from => Err(CertificateError::NotValidYet.into()),
        Some((_, to)) if now.as_secs() > to => Err(CertificateError::Expired.into()),
        Some(_) => Ok(ServerCertVerified::assertion()),
        None => Err(CertificateError::BadEncoding.into()),
    }
}

/// The fingerprint of a certificate (DER).
pub(super) fn fingerprint(certificate: &[u8]) -> Pin {
    let mut pin = Pin::default();
    pin.copy_from_slice(digest(&SHA256, certificate).as_ref());
    pin
}

/// A fingerprint as it is written: in hexadecimal.
pub(super) fn shown(pin: &Pin) -> String {
    pin.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A fingerprint as administrators paste it: hexadecimal, with or without colons or spaces,
/// upper or lower case.
pub(super) fn parse_pin(text: &str) -> Option<Pin> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !matches!(c, ':' | ' ' | '-'))
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> =
        digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

/// From when to when a certificate is valid, in seconds since 1970-01-01 UTC.
pub(super) fn validity(certificate: &[u8]) -> Option<(u64, u64)> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    let validity = parsed.validity();
    let secs = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).ok();
    Some((secs(validity.not_before)?, secs(validity.not_after)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_as_tools_print_them() {
        // SHA-256 of nothing.
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let pin = fingerprint(b"");
        assert_eq!(shown(&pin), hex);
        let colons = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap().to_uppercase());
        for text in [hex.to_owned(), hex.to_uppercase(), colons.collect::<Vec<_>>().join(":")] {
            assert_eq!(parse_pin(&text), Some(pin), "{text}");
        }
        for text in ["", "e3", &hex[1..], &format!("{hex}00"), "sha256:abc", &hex.replace('e', "g")] {
            assert_eq!(parse_pin(text), None, "{text}");
        }
    }
}
