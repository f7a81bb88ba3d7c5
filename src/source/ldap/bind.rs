//! Logging in, and what a refusal means.

use ldap3::{Ldap, LdapResult};

use crate::source::SourceErrorKind::{Misconfigured, Refused};

use super::settings::Settings;
use super::trouble::{Failure, Trouble, code_words};

/// Binds with the name and password of the settings; without a name the connection stays
/// anonymous. The inner result tells a refusal by the directory from a failing server: after
/// a refusal no other server is tried, because every attempt counts towards a lock-out.
pub(super) async fn bind(ldap: &mut Ldap, settings: &Settings) -> Result<Result<(), Trouble>, Failure> {
    let Some(name) = &settings.bind else { return Ok(Ok(())) };
    let password = &settings.password.0;
    if password.is_empty() {
        // RFC 4513, 5.1.2: servers take a name without a password for an anonymous bind and
        // answer success.
        return Ok(Err(Trouble::new(
            Misconfigured,
            "the bind account has an empty password",
            "store the password of the bind account, or remove the bind name to read anonymously",
        )));
    }
    let limit = settings.operation_timeout;
    let result = ldap
        .with_timeout(limit)
        .simple_bind(name, password)
        .await
        .map_err(|error| Failure::from_library(error, limit))?;
    match result.rc {
        0 => Ok(Ok(())),
        51 | 52 => Err(Failure::Code(Box::new(result))),
        _ => Ok(Err(refusal(name, &result))),
    }
}

/// A refused bind in words.
fn refusal(name: &str, result: &LdapResult) -> Trouble {
    let object = format!("the directory refuses the bind account \"{name}\"");
    let (why, remedy) = match result.rc {
        49 => sub_code(&result.text).and_then(ad_words).unwrap_or((
            "wrong name or password",
            "check the bind name (a DN, or for Active Directory user@domain) and the stored password",
        )),
        8 | 13 => {
            ("it wants an encrypted connection", "use an ldaps:// URL, or ldap:// with start_tls = true")
        }
        48 | 7 => (
            "simple binds with this account are not allowed",
            "use an account with a password, and allow simple binds over TLS for it",
        ),
        32 | 34 => (
            "the bind name is not a name this server knows",
            "write the bind name as the full DN of the account (Active Directory also takes user@domain)",
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
        "525" => ("there is no such account", "correct the bind name: user@domain, DOMAIN\\user, or the DN"),
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
            let trouble = refusal("svc@example.test", &result(49, &text));
            assert!(trouble.what.contains(words), "{}", trouble.what);
            assert!(!trouble.what.contains('\0'));
            assert_eq!(trouble.kind, Refused);
        }
    }

    #[test]
    fn other_refusals_have_a_remedy() {
        assert!(refusal("cn=x", &result(8, "")).remedy.contains("ldaps"));
        assert!(refusal("cn=x", &result(34, "invalid DN")).what.contains("invalid DN"));
        assert!(refusal("cn=x", &result(49, "")).what.contains("wrong name or password"));
    }
}
