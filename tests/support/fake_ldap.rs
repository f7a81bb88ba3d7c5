//! An LDAP server made of a function: for what no real server here does, such as the limits
//! of Microsoft's Active Directory, and answers that are not LDAP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use lber::parse::parse_tag;
use lber::structure::StructureTag;

/// Control types: RFC 2696, and [MS-ADTS] 3.1.1.3.4.1.3.
const PAGES: &str = "1.2.840.113556.1.4.319";
const DIRSYNC: &str = "1.2.840.113556.1.4.841";

/// A request, as far as tests look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// A simple bind.
    Bind {
        /// The name.
        name: String,
    },
    /// A search.
    Search {
        /// The base DN.
        base: String,
        /// 0 for the base object, 2 for the subtree.
        scope: u8,
        /// The attributes asked for.
        attributes: Vec<String>,
        /// The cookie of the control for directory synchronization or for pages, when there is one.
        cookie: Option<Vec<u8>>,
    },
    /// Anything else.
    Other,
}

/// A part of an answer.
pub(crate) enum Answer {
    /// A search result entry.
    Entry(String, Vec<(String, Vec<Vec<u8>>)>),
    /// The end of an operation: result code, diagnostic text, and the cookie of the paging
    /// control for searches.
    Done(u8, &'static str, Option<Vec<u8>>),
    /// The end of directory synchronization: whether there is more, and the cookie.
    Synchronized(bool, Vec<u8>),
    /// Bytes as they are.
    Raw(Vec<u8>),
    /// The connection is closed.
    Close,
}

/// An entry with text values.
pub(crate) fn entry(dn: &str, attributes: &[(&str, &[&str])]) -> Answer {
    let attributes = attributes.iter().map(|(name, values)| {
        ((*name).to_owned(), values.iter().map(|value| value.as_bytes().to_vec()).collect())
    });
    Answer::Entry(dn.to_owned(), attributes.collect())
}

/// The running server. Its threads end with the test process, or when a client goes.
pub(crate) struct FakeLdap {
    address: SocketAddr,
}

impl FakeLdap {
    /// Starts a server on loopback that answers every request with what the function says.
    pub(crate) fn start(answer: impl Fn(&Request) -> Vec<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let answer = answer.clone();
                std::thread::spawn(move || serve(stream, &*answer));
            }
        });
        Self { address }
    }

    /// `ldap://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&Request) -> Vec<Answer>) {
    let mut buffer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        while let Ok((rest, message)) = parse_tag(&buffer) {
            let used = buffer.len() - rest.len();
            buffer.drain(..used);
            let Some((id, done_tag, request)) = request(message) else { return };
            for part in answer(&request) {
                let bytes = match part {
                    Answer::Entry(dn, attributes) => {
                        message_bytes(&id, 0x64, &entry_bytes(&dn, &attributes), &[])
                    }
                    Answer::Done(code, text, cookie) => {
                        let mut body = tlv(0x0a, &[code]);
                        body.extend(tlv(4, b""));
                        body.extend(tlv(4, text.as_bytes()));
                        message_bytes(
                            &id,
                            done_tag,
                            &body,
                            &cookie.map(|c| paging_bytes(&c)).unwrap_or_default(),
                        )
                    }
                    Answer::Synchronized(more, cookie) => {
                        let body = [tlv(0x0a, &[0]), tlv(4, b""), tlv(4, b"")].concat();
                        message_bytes(&id, done_tag, &body, &dirsync_bytes(more, &cookie))
                    }
                    Answer::Raw(bytes) => bytes,
                    Answer::Close => return,
                };
                if stream.write_all(&bytes).is_err() {
                    return;
                }
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(n) => buffer.extend_from_slice(&chunk[..n]),
        }
    }
}

/// The message id, the tag of the final answer, and the request.
fn request(message: StructureTag) -> Option<(Vec<u8>, u8, Request)> {
    let mut parts = message.expect_constructed()?.into_iter();
    let id = parts.next()?.expect_primitive()?;
    let op = parts.next()?;
    let controls = parts.next();
    match op.id {
        0 => {
            let name = text(op.expect_constructed()?.into_iter().nth(1)?)?;
            Some((id, 0x61, Request::Bind { name }))
        }
        3 => {
            let mut fields = op.expect_constructed()?.into_iter();
            let base = text(fields.next()?)?;
            let scope = *fields.next()?.expect_primitive()?.first()?;
            let attributes = fields.last()?.expect_constructed()?.into_iter().filter_map(text).collect();
            Some((id, 0x65, Request::Search { base, scope, attributes, cookie: controls.and_then(cookie) }))
        }
        // Unbind and abandon have no answer.
        2 | 16 => None,
        _ => Some((id, 0x78, Request::Other)),
    }
}

fn cookie(controls: StructureTag) -> Option<Vec<u8>> {
    for control in controls.expect_constructed()? {
        let mut parts = control.expect_constructed()?.into_iter();
        if [PAGES, DIRSYNC].contains(&text(parts.next()?)?.as_str()) {
            let value = parts.last()?.expect_primitive()?;
            let (_, tag) = parse_tag(&value).ok()?;
            return tag.expect_constructed()?.pop()?.expect_primitive();
        }
    }
    None
}

fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(tag.expect_primitive()?).ok()
}

fn entry_bytes(dn: &str, attributes: &[(String, Vec<Vec<u8>>)]) -> Vec<u8> {
    let mut list = Vec::new();
    for (name, values) in attributes {
        let values: Vec<u8> = values.iter().flat_map(|value| tlv(4, value)).collect();
        list.extend(tlv(0x30, &[tlv(4, name.as_bytes()), tlv(0x31, &values)].concat()));
    }
    [tlv(4, dn.as_bytes()), tlv(0x30, &list)].concat()
}

fn paging_bytes(cookie: &[u8]) -> Vec<u8> {
    control_bytes(PAGES, &[tlv(2, &[0]), tlv(4, cookie)].concat())
}

fn dirsync_bytes(more: bool, cookie: &[u8]) -> Vec<u8> {
    control_bytes(DIRSYNC, &[tlv(2, &[more.into()]), tlv(2, &[0]), tlv(4, cookie)].concat())
}

fn control_bytes(oid: &str, parts: &[u8]) -> Vec<u8> {
    tlv(0xa0, &tlv(0x30, &[tlv(4, oid.as_bytes()), tlv(4, &tlv(0x30, parts))].concat()))
}

fn message_bytes(id: &[u8], tag: u8, body: &[u8], controls: &[u8]) -> Vec<u8> {
    tlv(0x30, &[tlv(2, id), tlv(tag, body), controls.to_vec()].concat())
}

/// One element of BER (X.690): tag, length, content.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    if content.len() < 128 {
        out.push(u8::try_from(content.len()).expect("less than 128"));
    } else {
        out.push(0x84);
        out.extend(u32::try_from(content.len()).expect("a test is small").to_be_bytes());
    }
    out.extend_from_slice(content);
    out
}
