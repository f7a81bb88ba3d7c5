//! Logging in by Kerberos: SASL GSSAPI (RFC 4752), always below TLS and without a security
//! layer of its own, bound to the TLS channel (RFC 5929, tls-server-end-point).
//!
//! Which ticket is used is the business of Kerberos: a keytab in KRB5_CLIENT_KTNAME, or a
//! ticket cache in KRB5CCNAME, in the environment of the service.

use ldap3::LdapResult;

use crate::source::SourceErrorKind::Misconfigured;

use super::settings::Settings;
use super::target::Target;
use super::trouble::Trouble;
use super::wire::Wire;

#[cfg(feature = "gssapi")]
mod exchange;
#[cfg(feature = "gssapi")]
pub(super) use exchange::bind;

/// A ticket is for the name of a host.
pub(super) fn check(target: &Target) -> Result<(), Trouble> {
    if cfg!(not(feature = "gssapi")) {
        return Err(Trouble::new(
            Misconfigured,
            "this build cannot log in by Kerberos",
            "use a build with the feature gssapi, or another auth",
        ));
    }
    if target.host.parse::<std::net::IpAddr>().is_ok() {
        return Err(Trouble::new(
            Misconfigured,
            format!("there is no Kerberos ticket for an address, and {} has one", target.server),
            "write the full DNS name of the server in the URL",
        ));
    }
    Ok(())
}

/// Logs in.
#[cfg(not(feature = "gssapi"))]
#[expect(clippy::unused_async, reason = "the other build waits for the server")]
pub(super) async fn bind(
    _: &mut dyn Wire,
    _: &Settings,
    target: &Target,
    _: Option<&[u8]>,
) -> Result<LdapResult, Trouble> {
    Err(check(target).err().unwrap_or_else(|| Trouble::new(Misconfigured, "no Kerberos", "use another auth")))
}
