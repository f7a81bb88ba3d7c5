//! The TCP connection: to each address of a name in turn, watched while nothing is said.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::source::SourceErrorKind::Unreachable;
use crate::source::ldap::discover::addresses;
use crate::source::ldap::settings::Settings;
use crate::source::ldap::target::Target;
use crate::source::ldap::trouble::Trouble;

use super::system;

/// Silence after which the peer is asked whether it is still there. Firewalls forget idle
/// connections after some minutes, and say so to nobody.
const SILENCE: Duration = Duration::from_secs(60);
/// Between two such questions.
const INTERVAL: Duration = Duration::from_secs(15);
/// Unanswered questions after which the connection is over.
const QUESTIONS: u32 = 4;
/// How long sent bytes may stay unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);

/// Opens the TCP connection.
pub(in crate::source::ldap) async fn dial(
    settings: &Settings,
    target: &Target,
) -> Result<TcpStream, Trouble> {
    let (server, limit) = (&target.server, settings.connect_timeout);
    let late = || {
        Trouble::new(
            Unreachable,
            format!("{server} did not answer within {} s", limit.as_secs_f32()),
            "check that the server runs and that no firewall drops the connection",
        )
    };
    let addresses =
        timeout(limit, resolve(settings, target)).await.map_err(|_| late())?.map_err(|error| {
            Trouble::new(
                Unreachable,
                format!("the name \"{}\" in {server} cannot be resolved: {error}", target.host),
                "correct the host name, or the DNS configuration of this machine",
            )
        })?;
    let mut last = None;
    for address in addresses {
        match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| no_connection(server, &error))?;
                // A connection without it is a connection.
                if let Err(error) = watch(&stream) {
                    tracing::debug!(%error, "the connection to the directory is not watched while idle");
                }
                return Ok(stream);
            }
            Ok(Err(error)) => last = Some(no_connection(server, &error)),
            Err(_) => last = Some(late()),
        }
    }
    Err(last.unwrap_or_else(|| {
        Trouble::new(Unreachable, format!("the name in {server} has no address"), "correct the host name")
    }))
}

async fn resolve(settings: &Settings, target: &Target) -> io::Result<Vec<SocketAddr>> {
    let Target { host, port, .. } = target;
    // Where the servers of a domain are found, their addresses are as well.
    if settings.nameservers.is_empty() || host.parse::<IpAddr>().is_ok() {
        return Ok(tokio::net::lookup_host((host.as_str(), *port)).await?.collect());
    }
    let addresses = addresses(&settings.nameservers, host).await.map_err(io::Error::other)?;
    Ok(addresses.into_iter().map(|address| (address, *port).into()).collect())
}

fn watch(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(SILENCE).with_interval(INTERVAL).with_retries(QUESTIONS);
    socket.set_tcp_keepalive(&keepalive)?;
    system::user_timeout(&socket, UNACKNOWLEDGED)
}

fn no_connection(server: &str, error: &io::Error) -> Trouble {
    let remedy = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there: check the port, and that the server runs",
        _ => "check the network between this machine and the server",
    };
    Trouble::new(Unreachable, format!("cannot connect to {server}: {error}"), remedy)
}
