//! The servers of a domain, as its DNS names them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use tokio::time::timeout;
use uuid::Uuid;

use super::servers::Candidate;
use super::settings::Settings;

/// One SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Service {
    priority: u16,
    weight: u16,
    port: u16,
    host: String,
}

/// The servers of a domain, the preferred first: the domain controllers of the site, then all
/// domain controllers ([MS-ADTS] 6.3.2.3); without any, the LDAP servers (RFC 2782); else the
/// host with the name of the domain, which in Active Directory is every domain controller.
pub(super) async fn discover(settings: &Settings, domain: &str) -> Vec<Candidate> {
    let domain = domain.trim_end_matches('.');
    let mut found = Vec::new();
    match resolver(&settings.nameservers) {
        Ok(resolver) => look(&resolver, settings, domain, &mut found).await,
        Err(error) => {
            tracing::warn!(source = %settings.name, %error, "the DNS configuration is not readable")
        }
    }
    if found.is_empty() {
        tracing::debug!(source = %settings.name, "DNS names no servers of the domain, its own name is used");
        let scheme = if settings.start_tls { "ldap" } else { "ldaps" };
        found.push(Candidate { url: format!("{scheme}://{domain}"), rank: 0 });
    }
    found
}

async fn look(resolver: &TokioResolver, settings: &Settings, domain: &str, found: &mut Vec<Candidate>) {
    let site = settings.site.as_ref().map(|site| format!("_ldap._tcp.{site}._sites.dc._msdcs.{domain}."));
    let questions = [
        (site, false),
        (Some(format!("_ldap._tcp.dc._msdcs.{domain}.")), false),
        ((!settings.start_tls).then(|| format!("_ldaps._tcp.{domain}.")), true),
        (Some(format!("_ldap._tcp.{domain}.")), false),
    ];
    for (stage, (question, secure)) in questions.into_iter().enumerate() {
        // The domain controllers of the site are followed by those of the other sites; what
        // else a domain has is asked for only when it has none.
        if stage > 1 && !found.is_empty() {
            return;
        }
        let Some(question) = question else { continue };
        for service in in_order(ask(resolver, &question, settings.connect_timeout).await, random) {
            let url = url(&service, secure, settings.start_tls);
            if found.iter().all(|candidate| candidate.url != url) {
                let rank = stage << 16 | usize::from(service.priority);
                found.push(Candidate { url, rank });
            }
        }
    }
}

/// The addresses of a host, asked of the name servers in the settings.
///
/// # Errors
///
/// What DNS said.
pub(super) async fn addresses(nameservers: &[SocketAddr], host: &str) -> Result<Vec<IpAddr>, NetError> {
    // The dot keeps the search domains of this machine out.
    let found = resolver(nameservers)?.lookup_ip(format!("{host}.")).await?;
    Ok(found.iter().collect())
}

fn resolver(nameservers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    if nameservers.is_empty() {
        return TokioResolver::builder_tokio()?.build();
    }
    let servers = nameservers.iter().map(|server| {
        let on_port = |mut connection: ConnectionConfig| {
            connection.port = server.port();
            connection
        };
        let connections = vec![on_port(ConnectionConfig::udp()), on_port(ConnectionConfig::tcp())];
        NameServerConfig::new(server.ip(), true, connections)
    });
    let config = ResolverConfig::from_name_servers(servers.collect());
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build()
}

async fn ask(resolver: &TokioResolver, name: &str, limit: Duration) -> Vec<Service> {
    let answer = match timeout(limit, resolver.srv_lookup(name)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) if error.is_no_records_found() => return vec![],
        Ok(Err(error)) => {
            tracing::warn!(%error, "DNS does not answer the question for directory servers");
            return vec![];
        }
        Err(_) => {
            tracing::warn!("DNS does not answer the question for directory servers in time");
            return vec![];
        }
    };
    let services = answer.answers().iter().filter_map(|record| match &record.data {
        // RFC 2782: the root as the target says that there is no such service.
        RData::SRV(srv) if !srv.target.is_root() => Some(Service {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            host: srv.target.to_ascii().trim_end_matches('.').to_lowercase(),
        }),
        _ => None,
    });
    services.collect()
}

fn random() -> u128 {
    Uuid::new_v4().as_u128()
}

/// By priority, and within one by chance, the heavier the likelier (RFC 2782, "Weight").
fn in_order(mut services: Vec<Service>, mut random: impl FnMut() -> u128) -> Vec<Service> {
    services.sort_by(|a, b| (a.priority, a.weight, &a.host).cmp(&(b.priority, b.weight, &b.host)));
    let mut ordered = Vec::with_capacity(services.len());
    while let Some(first) = services.first() {
        let group = services.iter().take_while(|service| service.priority == first.priority);
        let weights: Vec<u128> = group.map(|service| u128::from(service.weight)).collect();
        // Including the end: whoever weighs nothing has a small chance when at the start.
        let mut mark = random() % (weights.iter().sum::<u128>() + 1);
        let mut chosen = 0;
        for (i, weight) in weights.iter().enumerate() {
            chosen = i;
            if mark <= *weight {
                break;
            }
            mark -= weight;
        }
        ordered.push(services.remove(chosen));
    }
    ordered
}

/// How a service is reached. `_ldap` names the port for clear text, and StartTLS; with TLS from
/// the first byte a server listens where it always does, and a global catalogue likewise.
fn url(service: &Service, secure: bool, start_tls: bool) -> String {
    let Service { host, port, .. } = service;
    match (start_tls, secure, port) {
        (true, ..) => format!("ldap://{host}:{port}"),
        (false, true, _) => format!("ldaps://{host}:{port}"),
        (false, false, 3268) => format!("ldaps://{host}:3269"),
        (false, false, _) => format!("ldaps://{host}:636"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(priority: u16, weight: u16, host: &str) -> Service {
        Service { priority, weight, port: 389, host: host.into() }
    }

    #[test]
    fn priorities_are_kept_and_weights_are_chances() {
        let services = vec![service(10, 0, "later"), service(0, 1, "light"), service(0, 9, "heavy")];
        let hosts = |mark: u128| {
            let ordered = in_order(services.clone(), || mark);
            ordered.into_iter().map(|service| service.host).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(hosts(0), "light heavy later");
        assert_eq!(hosts(1), "light heavy later");
        assert_eq!(hosts(2), "heavy light later");
        assert_eq!(hosts(10), "heavy light later");
        let first = (0..11).filter(|mark| hosts(*mark).starts_with("heavy")).count();
        assert_eq!(first, 9);
    }

    #[test]
    fn nothing_is_lost_with_weights_of_zero() {
        let services: Vec<Service> = (0..5).map(|n| service(0, 0, &format!("dc{n}"))).collect();
        let mut hosts: Vec<String> = in_order(services, random).into_iter().map(|s| s.host).collect();
        hosts.sort();
        assert_eq!(hosts, ["dc0", "dc1", "dc2", "dc3", "dc4"]);
    }

    #[test]
    fn how_a_service_is_reached() {
        let at = |port| Service { port, ..service(0, 0, "dc1.corp.test") };
        for (port, secure, start_tls, expected) in [
            (389, false, false, "ldaps://dc1.corp.test:636"),
            (3268, false, false, "ldaps://dc1.corp.test:3269"),
            (389, false, true, "ldap://dc1.corp.test:389"),
            (1636, true, false, "ldaps://dc1.corp.test:1636"),
        ] {
            assert_eq!(url(&at(port), secure, start_tls), expected);
        }
    }
}
