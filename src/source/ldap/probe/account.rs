//! Who answers, and as whom it knows us.

use chrono::DateTime;
use ldap3::exop::WhoAmI;

use crate::source::{Fact, Topic};

use super::super::settings::Auth;
use super::super::tls::Agreed;
use super::super::trouble::Failure;
use super::super::verify;
use super::super::visit::Visit;
use super::Found;

const DAY: i64 = 86_400;
/// Renewing a certificate takes some people weeks.
const SOON: i64 = 30;
/// And some days.
const URGENT: i64 = 7;

/// What is known when the connection stands.
pub(super) fn connection(visit: &Visit<'_>) -> Vec<Fact> {
    let Visit { session, directory, .. } = visit;
    let mut facts = vec![Fact::ok(
        Topic::Connection,
        match &directory.host {
            Some(host) => format!("connected to {}, which calls itself {host}", session.server),
            None => format!("connected to {}", session.server),
        },
    )];
    facts.push(match &session.tls {
        Some(Agreed { version, cipher, .. }) => {
            Fact::ok(Topic::Connection, format!("encrypted with {version}, {cipher}"))
        }
        None => Fact::warn(
            Topic::Connection,
            "NOT encrypted: passwords and everybody's data cross the network in clear",
            "use an ldaps:// URL, or start_tls = true, and remove danger_plain_ldap",
        ),
    });
    if !directory.contexts.is_empty() {
        facts
            .push(Fact::ok(Topic::Connection, format!("naming contexts: {}", directory.contexts.join("; "))));
    }
    facts
}

/// As whom the server knows us. Not every server tells (RFC 4532); Samba does not.
pub(super) async fn account(visit: &mut Visit<'_>, found: &mut Found) -> Result<(), Failure> {
    let limit = visit.settings.operation_timeout;
    let answer = visit.session.ldap.with_timeout(limit).extended(WhoAmI).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let failure = Failure::from_library(error, limit);
            return Err(visit.session.explain(failure).await);
        }
    };
    // The library's own parser panics on what is not UTF-8.
    let told = (answer.1.rc == 0)
        .then(|| answer.0.val.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned());
    let settings = visit.settings;
    let name = match (settings.auth(), &settings.bind) {
        (Auth::Simple, name) => name.clone(),
        (Auth::External, _) => Some("the owner of the client certificate".to_owned()),
        (Auth::Gssapi, Some(name)) => Some(format!("{name} by Kerberos")),
        (Auth::Gssapi, None) => Some("the owner of the Kerberos ticket".to_owned()),
        (Auth::Anonymous, _) => None,
    };
    found.facts.push(who(name.as_deref(), told.as_deref()));
    Ok(())
}

fn who(bind: Option<&str>, told: Option<&str>) -> Fact {
    let anonymous = |told: &str| told.is_empty() || told.eq_ignore_ascii_case("dn:");
    match (bind, told) {
        (Some(name), Some(told)) if anonymous(told) => Fact::warn(
            Topic::Account,
            format!("bound as {name}, and the server takes us for anonymous all the same"),
            "check the bind account on the server: it sees what anonymous readers see",
        ),
        (Some(name), Some(told)) => {
            Fact::ok(Topic::Account, format!("bound as {name}; the server knows us as {told}"))
        }
        (Some(name), None) => {
            Fact::ok(Topic::Account, format!("bound as {name}; the server does not tell as whom it knows us"))
        }
        (None, Some(told)) if !anonymous(told) => {
            Fact::ok(Topic::Account, format!("no bind name; the server knows us as {told}"))
        }
        (None, _) => Fact::warn(
            Topic::Account,
            "not bound: reading anonymously",
            "give the source a bind account that may read what it needs and nothing else",
        ),
    }
}

/// How long the server's certificate is still good.
pub(super) async fn certificate(visit: &mut Visit<'_>, found: &mut Found, now: i64) -> Result<(), Failure> {
    if let Some(certificate) = visit.session.tls.as_ref().and_then(|agreed| agreed.certificate.as_deref())
        && let Some((_, until)) = verify::validity(certificate)
        && let Ok(until) = i64::try_from(until)
    {
        found.facts.push(expiry(until, now));
    }
    Ok(())
}

fn expiry(until: i64, now: i64) -> Fact {
    let days = until.saturating_sub(now).div_euclid(DAY);
    let date = DateTime::from_timestamp(until, 0)
        .map(|time| time.format("%Y-%m-%d %H:%M UTC").to_string())
        .unwrap_or_default();
    let remedy = "renew the certificate of the server: with an expired one no pass reads this source";
    match days {
        ..0 => Fact::fail(Topic::Certificate, format!("the server's certificate expired on {date}"), remedy),
        0..SOON => {
            let what = format!("the server's certificate is valid until {date}, for {days} more days");
            let make = if days < URGENT { Fact::fail } else { Fact::warn };
            make(Topic::Certificate, what, remedy)
        }
        SOON.. => Fact::ok(
            Topic::Certificate,
            format!("the server's certificate is valid until {date}, for {days} more days"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Standing;

    #[test]
    fn a_certificate_is_told_of_before_it_expires() {
        let now = 1_800_000_000;
        for (left, standing, words) in [
            (400 * DAY, Standing::Ok, "for 400 more days"),
            (30 * DAY, Standing::Ok, "for 30 more days"),
            (30 * DAY - 1, Standing::Warn, "for 29 more days"),
            (7 * DAY, Standing::Warn, "for 7 more days"),
            (7 * DAY - 1, Standing::Fail, "for 6 more days"),
            (1, Standing::Fail, "for 0 more days"),
            (-1, Standing::Fail, "expired on 2027-01-15"),
        ] {
            let fact = expiry(now + left, now);
            assert_eq!(fact.standing, standing, "{left}");
            assert!(fact.what.contains(words), "{}", fact.what);
            assert_eq!(fact.remedy.is_empty(), standing == Standing::Ok);
        }
    }

    #[test]
    fn who_we_are_is_what_the_server_says() {
        for (bind, told, standing, words) in [
            (Some("cn=a"), Some("dn:cn=a,dc=test"), Standing::Ok, "knows us as dn:cn=a,dc=test"),
            (Some("cn=a"), Some(""), Standing::Warn, "anonymous"),
            (Some("cn=a"), None, Standing::Ok, "does not tell"),
            (None, Some("u:EXAMPLE\\svc"), Standing::Ok, "knows us as u:EXAMPLE\\svc"),
            (None, Some("dn:"), Standing::Warn, "anonymously"),
            (None, None, Standing::Warn, "anonymously"),
        ] {
            let fact = who(bind, told);
            assert_eq!(fact.standing, standing, "{bind:?} {told:?}");
            assert!(fact.what.contains(words), "{}", fact.what);
        }
    }
}
