//! What sockets do differently from system to system.

use std::io;

use ldap3::StdStream;
use tokio::io::{AsyncRead, AsyncWrite};

/// A connected pair of local sockets: ours, the library's, and the URL that makes the library
/// take it.
#[cfg(unix)]
pub(super) fn pair()
-> io::Result<(impl AsyncRead + AsyncWrite + Send + Unpin + 'static, StdStream, &'static str)> {
    let (ours, theirs) = tokio::net::UnixStream::pair()?;
    Ok((ours, StdStream::Unix(theirs.into_std()?), "ldapi:///"))
}

/// A connected pair of local sockets: ours, the library's, and the URL that makes the library
/// take it.
#[cfg(not(unix))]
pub(super) fn pair()
-> io::Result<(impl AsyncRead + AsyncWrite + Send + Unpin + 'static, StdStream, &'static str)> {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
    let theirs = std::net::TcpStream::connect(listener.local_addr()?)?;
    let (ours, peer) = listener.accept()?;
    // Anybody on this machine may connect to a port of it.
    if peer != theirs.local_addr()? {
        return Err(io::Error::other("a stranger took the local connection"));
    }
    ours.set_nodelay(true)?;
    theirs.set_nodelay(true)?;
    ours.set_nonblocking(true)?;
    Ok((tokio::net::TcpStream::from_std(ours)?, StdStream::Tcp(theirs), "ldap://localhost"))
}

/// Limits how long sent bytes may stay unacknowledged, where the system can: a peer that
/// vanished is then noticed while we send, too.
#[cfg(target_os = "linux")]
pub(super) fn user_timeout(socket: &socket2::SockRef<'_>, limit: std::time::Duration) -> io::Result<()> {
    socket.set_tcp_user_timeout(Some(limit))
}

/// Limits how long sent bytes may stay unacknowledged, where the system can.
#[cfg(not(target_os = "linux"))]
pub(super) fn user_timeout(_: &socket2::SockRef<'_>, _: std::time::Duration) -> io::Result<()> {
    Ok(())
}
