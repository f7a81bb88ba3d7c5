//! A short visit: who answers, and as whom it knows us.

use chrono::DateTime;

use crate::source::Probe;

use super::detect;
use super::reach::Reach;
use super::read::Plan;
use super::search;
use super::settings::{Auth, Settings};
use super::trouble::{Failure, Trouble};
use super::verify;

/// Connects, and looks at the root entry and at every base.
pub(super) async fn probe(reach: &Reach) -> Result<Probe, Trouble> {
    let settings: &Settings = reach;
    Plan::check(settings)?;
    let limit = settings.operation_timeout;
    let mut session = reach.fresh().await?;
    let directory = detect::detect(&mut session, limit).await?;
    let bases = directory.bases(settings)?;
    let identity = directory.identity(&mut session, &bases, limit).await;
    let mut facts = vec![match &directory.host {
        Some(host) => format!("connected to {}, which calls itself {host}", session.server),
        None => format!("connected to {}", session.server),
    }];
    facts.push(match (settings.auth(), &settings.bind) {
        (Auth::Simple, Some(name)) => format!("bound as {name}"),
        (Auth::External, _) => "bound by the client certificate".into(),
        (Auth::Gssapi, Some(name)) => format!("bound by Kerberos as {name}"),
        (Auth::Gssapi, None) => "bound by Kerberos".into(),
        _ => "not bound: reading anonymously".into(),
    });
    facts.push(match session.encrypted {
        true => "encrypted with TLS".into(),
        false => "NOT encrypted: passwords and everybody's data cross the network in clear".to_owned(),
    });
    if let Some(certificate) = &session.certificate
        && let Some((_, until)) = verify::validity(certificate)
        && let Some(until) = i64::try_from(until).ok().and_then(|secs| DateTime::from_timestamp(secs, 0))
    {
        facts.push(format!("the server's certificate is valid until {}", until.format("%Y-%m-%d %H:%M UTC")));
    }
    if !directory.contexts.is_empty() {
        facts.push(format!("naming contexts: {}", directory.contexts.join("; ")));
    }
    for base in bases.iter().chain(&settings.group_bases) {
        match search::one(&mut session, base, vec!["1.1".into()], limit).await {
            Ok(Some(_)) => facts.push(format!("base \"{base}\" is there")),
            Ok(None) => facts.push(format!("base \"{base}\" is NOT there, or hidden from the bind account")),
            Err(failure @ Failure::Code(_)) => {
                facts.push(format!("base \"{base}\" is NOT readable: {failure}"))
            }
            Err(failure) => return Err(failure.into_trouble(&format!("reading the base \"{base}\""))),
        }
    }
    session.close().await;
    Ok(Probe { product: directory.product, identity, facts })
}
