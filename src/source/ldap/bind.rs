//! Logging in, and what a refusal means.

use ldap3::{Ldap, LdapResult};

use crate::source::SourceErrorKind::{Misconfigured, Refused};

use super::gssapi;
use super::settings::{Auth, Settings};
use super::target::Target;
use super::trouble::{Failure, Trouble, code_words};
use super::wire::Wire;

/// Finds what cannot work before anybody is bothered with it.
pub(super) fn check(settings: &Settings, target: &Target) -> Result<(), Trouble> {
    let wrong = |what: &str, remedy: &str| Err(Trouble::new(Misconfigured, what, remedy));
    match settings.auth() {
        Auth::Anonymous => Ok(()),
        Auth::Simple if settings.bind.is_none() => {
            wrong("no bind account is named", "set bind to the DN or the user@domain of an account")
        }
        // RFC 4513, 5.1.2: servers take a name without a password for an anonymous bind and
        // answer success.
        Auth::Simple if settings.password.0.is_empty() => wrong(
            "the bind account has an empty password",
            "store the password of the bind account, or remove the bind name to read anonymously",
        ),
        Auth::Simple => Ok(()),
        Auth::External if settings.client_cert_file.is_none() || settings.client_key_file.is_none() => wrong(
            "there is no client certificate to log in with",
            "set client_cert_file and client_key_file, or another auth",
        ),
        Auth::External | Auth::Gssapi if !target.encrypted() => wrong(
            "logging in with a client certificate or by Kerberos needs TLS",
            "use an ldaps:// URL, or ldap:// with start_tls = true",
        ),
        Auth::External => Ok(()),
        Auth::Gssapi => gssapi::check(target),
    }
}

/// Logs in by Kerberos, on the connection that the client library does not have yet: it would
/// not know that there is TLS, and ask for what TLS already does.
pub(super) async fn by_ticket(
    wire: &mut dyn Wire,
    settings: &Settings,
    target: &Target,
    certificate: Option<&[u8]>,
) -> Result<(), Trouble> {
    let result = gssapi::bind(wire, settings, target, certificate).await?;
    match result.rc {
        0 => Ok(()),
        51 | 52 => Err(Failure::Code(Box::new(result)).into_trouble("logging in by Kerberos")),
        _ => Err(refusal("the directory refuses the Kerberos ticket", &result)),
    }
}

/// Logs in as the settings say. The inner result tells a refusal by the directory from a
/// failing server: after a refusal no other server is tried, because every attempt counts
/// towards a lock-out.
pub(super) async fn bind(ldap: &mut Ldap, settings: &Settings) -> Result<Result<(), Trouble>, Failure> {
    let limit = settings.operation_timeout;
    let ldap = ldap.with_timeout(limit);
    let (result, object) = match (settings.auth(), &settings.bind) {
        (Auth::Simple, Some(name)) => {
            let bound = ldap.simple_bind(name, &settings.password.0).await;
            (bound, format!("the directory refuses the bind account \"{name}\""))
        }
        (Auth::External, _) => {
            (ldap.sasl_external_bind().await, "the directory refuses the client certificate".into())
        }
        (Auth::Simple | Auth::Anonymous | Auth::Gssapi, _) => return Ok(Ok(())),
    };
    let result = result.map_err(|error| Failure::from_library(error, limit))?;
    match result.rc {
        0 => Ok(Ok(())),
        51 | 52 => Err(Failure::Code(Box::new(result))),
        _ => Ok(Err(refusal(&object, &result))),
    }
}

/// A refused bind in words.
fn refusal(object: &str, result: &LdapResult) -> Trouble {
    let (why, remedy) = match result.rc {
        49 => sub_code(&result.text).and_then(ad_words).unwrap_or((
            "wrong name or password",
            "check the bind name (a DN, or for Active Directory a user principal name) and the stored password",
        )),
        8 | 13 => {
            ("it wants an encrypted connection", "use an ldaps:// URL, or ldap:// with start_tls = true")
        }
        48 | 7 => (
            "this way of logging in is not allowed, or not with this account",
            "use an account and a way of logging in (auth) that the server allows over TLS; for a client \
             certificate the server must ask for one and map its subject to an entry",
        ),
        32 | 34 => (
            "the bind name is not a name this server knows",
            "write the bind name as the full DN of the account (Active Directory also takes its user principal name)",
        ),
        53 => ("it is unwilling", "see the server's words; often the account is locked or has no password"),
        _ => ("it does not say why in a way known here", "see the server's words and its log"),
    };
    Trouble::new(Refused, format!("{object}: {why}; {}", code_words(result)), remedy)
}

/// The sub-code in a text of AD such as `80090308: LdapErr: DSID-0C0903A9, comment:
/// AcceptSecurityContext error, data 52e, v1db1`.
fn sub_code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("data ")?;
    let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    Some(&rest[..end])
}

/// What AD means by a sub-code: a Windows error number ([MS-ERREF] 2.2) in hexadecimal.
fn ad_words(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "525" => (
            "there is no such account",
            "correct the bind name: a user principal name, DOMAIN\\user, or the DN",
        ),
        "52e" => ("wrong name or password", "check the bind name, and store the password again"),
        "530" => ("the account may not log on at this time", "remove the logon hours of the account"),
        "531" => (
            "the account may not log on from this computer",
            "allow this computer in the account's \"Log On To\" list",
        ),
        "532" => (
            "its password has expired",
            "set a new password, store it here, and let the password of this service account never expire",
        ),
        "533" => ("the account is disabled", "enable the account"),
        "701" => ("the account has expired", "extend the expiry of the account"),
        "773" => (
            "its password must be changed at first logon",
            "set the password again without \"must change password at next logon\", and store it here",
        ),
        "775" => (
            "the account is locked after wrong passwords",
            "store the right password here first, then unlock the account",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(rc: u32, text: &str) -> LdapResult {
        LdapResult { rc, matched: String::new(), text: text.into(), refs: vec![], ctrls: vec![] }
    }

    /// A log masks whatever looks like an address or a DN, also in what we say ourselves.
    #[test]
    fn no_hint_is_masked_in_a_log() {
        let codes = ["525", "52e", "530", "531", "532", "533", "701", "773", "775", "999"];
        let all = codes.map(|code| result(49, &format!("80090308: LdapErr: comment: x, data {code}, v1db1")));
        for refused in all.iter().chain(&[7, 8, 13, 32, 34, 48, 49, 53, 80].map(|rc| result(rc, ""))) {
            let Trouble { remedy, .. } = refusal("bind", refused);
            let is_plain = |word: &str| word == "=" || !word.contains(['@', '=']);
            assert!(remedy.split(' ').all(is_plain), "{remedy}");
        }
    }

    #[test]
    fn refusals_by_active_directory_are_told_in_words() {
        for (code, words) in [
            ("525", "no such account"),
            ("52e", "wrong name or password"),
            ("530", "at this time"),
            ("531", "from this computer"),
            ("532", "has expired"),
            ("533", "disabled"),
            ("701", "account has expired"),
            ("773", "must be changed"),
            ("775", "locked"),
            ("999", "wrong name or password"),
        ] {
            let text = format!(
                "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {code}, v1db1\0"
            );
            let trouble = refusal("the account", &result(49, &text));
            assert!(trouble.what.contains(words), "{}", trouble.what);
            assert!(!trouble.what.contains('\0'));
            assert_eq!(trouble.kind, Refused);
        }
    }

    #[test]
    fn other_refusals_have_a_remedy() {
        assert!(refusal("the account", &result(8, "")).remedy.contains("ldaps"));
        assert!(refusal("the account", &result(34, "invalid DN")).what.contains("invalid DN"));
        assert!(refusal("the account", &result(49, "")).what.contains("wrong name or password"));
    }
}
