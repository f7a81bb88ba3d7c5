//! One request and its answer on a connection that the client library does not have yet: for
//! StartTLS, and for logging in by Kerberos.

use std::io;

use ldap3::LdapResult;
use ldap3::asn1::{StructureTag, parse_tag};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::ber::{element, header};
use super::screen::Screen;

/// Bytes of an answer to such a request. A Kerberos token with many groups has some thousands.
const LONGEST: u64 = 1 << 20;

/// A connection, with or without TLS.
pub(in crate::source::ldap) trait Wire:
    AsyncRead + AsyncWrite + Send + Unpin
{
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Sends an operation and waits for the one answer to it: the result, and the credentials of
/// the server if the answer has any (RFC 4511, 4.2.2).
///
/// # Errors
///
/// When the connection breaks, or the answer is none: `InvalidData`.
pub(in crate::source::ldap) async fn ask(
    wire: &mut dyn Wire,
    id: u8,
    operation: &[u8],
) -> io::Result<(LdapResult, Option<Vec<u8>>)> {
    let id_element = element(0x02, &[id]);
    wire.write_all(&element(0x30, &[id_element.as_slice(), operation].concat())).await?;
    wire.flush().await?;
    // Not a byte too many: what follows may be TLS.
    let mut message = Vec::new();
    let length = loop {
        message.push(wire.read_u8().await?);
        if let Some(header) = header(&message) {
            break header.length;
        }
        if message.len() > 6 {
            return Err(nonsense("the server sent something that is not LDAP"));
        }
    };
    if message.first() != Some(&0x30) {
        return Err(nonsense("the server sent something that is not LDAP"));
    }
    if length > LONGEST {
        return Err(nonsense("the server announced an answer of more than a megabyte"));
    }
    if (&mut *wire).take(length).read_to_end(&mut message).await? as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Screen::default().look(&message).map_err(|breach| nonsense(&breach.to_string()))?;
    answer(&message, id).ok_or_else(|| nonsense("the server's answer belongs to no request"))
}

fn nonsense(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

fn answer(message: &[u8], id: u8) -> Option<(LdapResult, Option<Vec<u8>>)> {
    let (_, tag) = parse_tag(message).ok()?;
    let mut parts = tag.expect_constructed()?.into_iter();
    if parts.next()?.expect_primitive()? != [id] {
        return None;
    }
    let mut fields = parts.next()?.expect_constructed()?.into_iter();
    let code = fields.next()?.expect_primitive()?;
    let text = |tag: StructureTag| Some(String::from_utf8_lossy(&tag.expect_primitive()?).into_owned());
    let (matched, diagnostic) = (text(fields.next()?)?, text(fields.next()?)?);
    let credentials = fields.find(|tag| tag.id == 7).and_then(StructureTag::expect_primitive);
    let rc = code.iter().fold(0, |code: u32, byte| code << 8 | u32::from(*byte));
    Some((LdapResult { rc, matched, text: diagnostic, refs: vec![], ctrls: vec![] }, credentials))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(sent: Vec<u8>) -> (io::Result<(LdapResult, Option<Vec<u8>>)>, Vec<u8>) {
        let (mut wire, mut server) = tokio::io::duplex(10_000);
        server.write_all(&sent).await.unwrap();
        server.shutdown().await.unwrap();
        let outcome = ask(&mut wire, 1, &element(0x77, b"")).await;
        let mut rest = Vec::new();
        wire.read_to_end(&mut rest).await.unwrap();
        (outcome, rest)
    }

    fn result(id: u8, fields: &[Vec<u8>]) -> Vec<u8> {
        element(0x30, &[element(2, &[id]), element(0x61, &fields.concat())].concat())
    }

    #[tokio::test]
    async fn answers() {
        let fields = [element(0x0a, &[14]), element(4, b""), element(4, b"go on"), element(0x87, b"token")];
        let (outcome, rest) = asked([result(1, &fields), b"TLS".to_vec()].concat()).await;
        let (result, credentials) = outcome.unwrap();
        assert_eq!(
            (result.rc, result.text.as_str(), credentials.as_deref()),
            (14, "go on", Some(&b"token"[..]))
        );
        assert_eq!(rest, b"TLS");
    }

    #[tokio::test]
    async fn what_is_no_answer() {
        for (sent, kind) in [
            (vec![], io::ErrorKind::UnexpectedEof),
            (vec![0x30, 5, 2], io::ErrorKind::UnexpectedEof),
            (b"HTTP/1.1 400".to_vec(), io::ErrorKind::InvalidData),
            (b"\x30\x84\x7f\xff\xff\xff".to_vec(), io::ErrorKind::InvalidData),
            (vec![0xff; 300], io::ErrorKind::InvalidData),
            (result(2, &[element(0x0a, &[0]), element(4, b""), element(4, b"")]), io::ErrorKind::InvalidData),
            (result(1, &[element(0x0a, &[0])]), io::ErrorKind::InvalidData),
        ] {
            assert_eq!(asked(sent.clone()).await.0.unwrap_err().kind(), kind, "{sent:02x?}");
        }
    }
}
