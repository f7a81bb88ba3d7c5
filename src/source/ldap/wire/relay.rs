//! Carries the bytes between the server and the client library, through the screen.

use std::io;
use std::sync::{Arc, OnceLock};

use ldap3::StdStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio_util::task::AbortOnDropHandle;

use super::screen::{Breach, Screen};
use super::system;

/// Bytes carried at once: some records of TLS, and what a local socket takes without waiting.
const CHUNK: usize = 64 * 1024;

/// How a connection ended.
#[derive(Debug)]
pub(in crate::source::ldap) enum How {
    /// By the server, in order.
    Closed,
    /// By an error of the network or of TLS.
    Broken(io::Error),
    /// By us, because of what the server sent.
    Breach(Breach),
}

/// Where the end is written down; empty while the connection lives.
pub(in crate::source::ldap) type Ending = Arc<OnceLock<How>>;

/// A connection that is carried.
pub(in crate::source::ldap) struct Carried {
    /// What the library gets.
    pub stream: StdStream,
    /// The URL that makes the library take it.
    pub url: &'static str,
    /// Filled before the library sees the end of its stream.
    pub ending: Ending,
    /// Ends with the connection, on either side.
    pub task: AbortOnDropHandle<()>,
}

impl Carried {
    /// Begins to carry.
    ///
    /// # Errors
    ///
    /// When this machine has no socket left.
    pub(in crate::source::ldap) fn start<W>(wire: W) -> io::Result<Self>
    where
        W: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (local, stream, url) = system::pair()?;
        let ending = Ending::default();
        let task = AbortOnDropHandle::new(tokio::spawn(carry(wire, local, ending.clone())));
        Ok(Self { stream, url, ending, task })
    }
}

async fn carry<W, L>(wire: W, local: L, ending: Ending)
where
    W: AsyncRead + AsyncWrite,
    L: AsyncRead + AsyncWrite,
{
    let (from_wire, mut to_wire) = split(wire);
    let (mut from_local, to_local) = split(local);
    tokio::select! {
        how = answers(from_wire, to_local) => {
            if let Some(how) = how {
                let _ = ending.set(how);
            }
        }
        sent = tokio::io::copy(&mut from_local, &mut to_wire) => {
            if let Err(error) = sent {
                let _ = ending.set(How::Broken(error));
            }
            // With TLS this says good-bye.
            let _ = to_wire.shutdown().await;
        }
    }
}

/// Carries from the server to the library. `None` when the library has gone.
async fn answers(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> Option<How> {
    let mut screen = Screen::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        let n = match from.read(&mut chunk).await {
            Ok(0) => return Some(How::Closed),
            Ok(n) => n,
            // Few servers end TLS before they end TCP.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Some(How::Closed),
            Err(error) => return Some(How::Broken(error)),
        };
        let bytes = chunk.get(..n)?;
        if let Err(breach) = screen.look(bytes) {
            return Some(How::Breach(breach));
        }
        to.write_all(bytes).await.ok()?;
    }
}

#[cfg(test)]
mod tests {
    use super::super::ber::element;
    use super::*;

    #[tokio::test]
    async fn the_reason_is_there_before_the_end_is_seen() {
        for (sent, expected) in [(element(0x30, b""), "Breach(NotLdap)"), (vec![], "Closed")] {
            let (wire, mut server) = tokio::io::duplex(1000);
            let (local, mut library) = tokio::io::duplex(1000);
            let ending = Ending::default();
            let task = tokio::spawn(carry(wire, local, ending.clone()));
            let good = element(0x30, &[element(2, &[1]), element(0x65, b"")].concat());
            library.write_all(b"request").await.unwrap();
            let mut request = [0; 7];
            server.read_exact(&mut request).await.unwrap();
            server.write_all(&good).await.unwrap();
            let mut answer = vec![0; good.len()];
            library.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, good);
            server.write_all(&sent).await.unwrap();
            drop(server);
            assert_eq!(library.read(&mut answer).await.unwrap(), 0);
            assert_eq!(format!("{:?}", ending.get().unwrap()), expected);
            task.await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_the_library_said_last_still_goes_out() {
        let (wire, mut server) = tokio::io::duplex(1000);
        let (local, mut library) = tokio::io::duplex(1000);
        tokio::spawn(carry(wire, local, Ending::default()));
        library.write_all(b"unbind").await.unwrap();
        drop(library);
        let mut got = Vec::new();
        server.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"unbind");
    }
}
