//! Logging in by Kerberos: SASL GSSAPI (RFC 4752), always below TLS and without a security
//! layer of its own, bound to the TLS channel (RFC 5929, tls-server-end-point).
//!
//! Which ticket is used is the business of Kerberos: a keytab in KRB5_CLIENT_KTNAME, or a
//! ticket cache in KRB5CCNAME, in the environment of the service.

use crate::source::SourceErrorKind::Misconfigured;

use super::target::Target;
use super::trouble::Trouble;

#[cfg(feature = "gssapi")]
mod exchange;
#[cfg(not(feature = "gssapi"))]
pub(super) use absent::bind;
#[cfg(feature = "gssapi")]
pub(super) use exchange::bind;

/// A ticket is for the name of a host.
pub(super) fn check(target: &Target) -> Result<(), Trouble> {
    if cfg!(not(feature = "gssapi")) {
        return Err(no_kerberos());
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

fn no_kerberos() -> Trouble {
    Trouble::new(
        Misconfigured,
        "this build cannot log in by Kerberos",
        "use a build with the feature gssapi, or another auth",
    )
}

#[cfg(not(feature = "gssapi"))]
mod absent {
    //! What stands in for the exchange in a build without Kerberos.

    use ldap3::LdapResult;

    use crate::source::ldap::settings::Settings;
    use crate::source::ldap::target::Target;
    use crate::source::ldap::trouble::Trouble;
    use crate::source::ldap::wire::Wire;

    /// Refuses: [`super::check`] did so before.
    pub(in crate::source::ldap) async fn bind(
        _: &mut dyn Wire,
        _: &Settings,
        _: &Target,
        _: Option<&[u8]>,
    ) -> Result<LdapResult, Trouble> {
        Err(super::no_kerberos())
    }
}
