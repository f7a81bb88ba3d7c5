//! Connections: requests in, answers or faults out, and word to those who wait for changes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};

use lber::parse::parse_tag;

use super::fault::{At, Fault};
use super::search::{Answer, Pages};
use super::state::State;
use super::tree::Guid;
use super::wire::{self, DIRSYNC, NOTIFICATION, Op, PAGED, Search};
use crate::support::fake_ldap::tlv;

/// What all connections have in common.
pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
    pub(crate) watchers: Mutex<Vec<Watcher>>,
}

/// A search that waits for changes ([MS-ADTS] 3.1.1.3.4.1.9).
pub(crate) struct Watcher {
    id: Vec<u8>,
    search: Search,
    stream: Arc<Mutex<TcpStream>>,
}

impl Shared {
    /// Sends a changed object to everyone who waits for it.
    pub(crate) fn tell(&self, state: &State, touched: &Guid) {
        let mut watchers = self.watchers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        watchers.retain(|watcher| {
            let Watcher { id, search, stream } = watcher;
            // What left the place that is watched is not told.
            let told = state.candidates(search).is_ok_and(|found| found.contains(touched));
            if !told {
                return true;
            }
            let bytes = wire::entry(id, &state.entry(&state.view(search), touched, search));
            send(stream, &bytes)
        });
    }
}

fn send(stream: &Mutex<TcpStream>, bytes: &[u8]) -> bool {
    stream.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).write_all(bytes).is_ok()
}

/// Serves one client until it goes.
pub(crate) fn connection(stream: TcpStream, shared: &Shared) {
    let Ok(mut input) = stream.try_clone() else { return };
    let output = Arc::new(Mutex::new(stream));
    let mut client = Client { bound: false, frozen: false, pages: Pages::default(), lies: 0 };
    let mut buffer = Vec::new();
    let mut chunk = [0; 4096];
    let end = |output: &Mutex<TcpStream>| {
        let stream = output.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let _ = stream.shutdown(Shutdown::Both);
    };
    loop {
        while let Ok((rest, message)) = parse_tag(&buffer) {
            let used = buffer.len() - rest.len();
            buffer.drain(..used);
            let Some((id, op)) = wire::read(message) else { return end(&output) };
            if client.frozen {
                continue;
            }
            let Some(Reply { bytes, close }) = client.reply(shared, &output, &id, op) else {
                shared
                    .watchers
                    .lock()
                    .unwrap_or_else(|p| p.into_inner())
                    .retain(|watcher| !Arc::ptr_eq(&watcher.stream, &output));
                return end(&output);
            };
            if !send(&output, &bytes) || close {
                return end(&output);
            }
        }
        match input.read(&mut chunk) {
            Ok(0) | Err(_) => {
                let mut watchers = shared.watchers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                watchers.retain(|watcher| !Arc::ptr_eq(&watcher.stream, &output));
                return;
            }
            Ok(n) => buffer.extend_from_slice(&chunk[..n]),
        }
    }
}

struct Client {
    bound: bool,
    frozen: bool,
    pages: Pages,
    /// Pages handed out by a liar.
    lies: usize,
}

struct Reply {
    bytes: Vec<u8>,
    close: bool,
}

impl Client {
    /// `None` when the client takes its leave.
    fn reply(&mut self, shared: &Shared, output: &Arc<Mutex<TcpStream>>, id: &[u8], op: Op) -> Option<Reply> {
        let mut state = shared.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (at, tag) = match &op {
            Op::Unbind => return None,
            Op::Abandon(abandoned) => {
                let mut watchers = shared.watchers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                watchers.retain(|watcher| watcher.id != *abandoned || !Arc::ptr_eq(&watcher.stream, output));
                return Some(Reply { bytes: vec![], close: false });
            }
            Op::Bind { .. } => (At::Bind, 0x61),
            Op::Other => {
                let bytes = wire::result(id, 0x78, 2, "", &[]);
                return Some(Reply { bytes, close: false });
            }
            Op::Search(search) if search.control(DIRSYNC).is_some() => (At::DirSync, 0x65),
            Op::Search(search) if search.control(NOTIFICATION).is_some() => (At::Notification, 0x65),
            Op::Search(search) if search.base.is_empty() => (At::Root, 0x65),
            Op::Search(search) if search.scope == 0 => (At::Object, 0x65),
            Op::Search(_) => (At::Page, 0x65),
        };
        state.seen.push(at);
        let due = state.faults.due(at);
        let mut answer = match &op {
            Op::Bind { name, password } => self.bind(&state, name, password),
            Op::Search(search) if at == At::Notification && due.is_none() => {
                match refuse_notification(&state, search) {
                    Some(refusal) => refusal,
                    None => {
                        let stream = output.clone();
                        let watcher = Watcher { id: id.to_vec(), search: search.clone(), stream };
                        drop(state);
                        shared.watchers.lock().unwrap_or_else(|p| p.into_inner()).push(watcher);
                        return Some(Reply { bytes: vec![], close: false });
                    }
                }
            }
            Op::Search(search) => state.search(self.bound, search, &mut self.pages),
            _ => Answer::default(),
        };
        let entries = |answer: &Answer, count: usize| -> Vec<u8> {
            answer.entries.iter().take(count).flat_map(|entry| wire::entry(id, entry)).collect()
        };
        let mut bytes;
        let mut close = false;
        match due {
            None => bytes = whole(id, tag, &answer),
            Some(Fault::Code(count, code, words)) => {
                bytes = entries(&answer, count);
                bytes.extend(wire::result(id, tag, code, words, &[]));
            }
            Some(Fault::Freeze(count)) => {
                bytes = entries(&answer, count);
                self.frozen = true;
            }
            Some(Fault::Cut(count)) => {
                bytes = entries(&answer, count);
                let next = match answer.entries.get(count) {
                    Some(next) => wire::entry(id, next),
                    None => wire::result(id, tag, 0, "", &[]),
                };
                bytes.extend(&next[..next.len() / 2]);
                close = true;
            }
            Some(Fault::Disconnect(count)) => {
                bytes = entries(&answer, count);
                bytes.extend(disconnection());
                close = true;
            }
            Some(Fault::Bytes(count, attack)) => {
                bytes = entries(&answer, count);
                bytes.extend(attack(id));
            }
            Some(lie) => {
                self.lies += 1;
                if let Op::Search(search) = &op
                    && !matches!(lie, Fault::EmptyPages)
                {
                    let mut search = search.clone();
                    search.controls.retain(|control| control.ctype != PAGED);
                    answer = state.search(self.bound, &search, &mut self.pages);
                    (answer.code, answer.words) = (0, String::new());
                }
                let (half, cookie) = match lie {
                    Fault::SamePage => (0, vec![1]),
                    Fault::TwoPages => (self.lies % 2, vec![1]),
                    _ => (usize::MAX, self.lies.to_be_bytes().to_vec()),
                };
                if half == usize::MAX {
                    answer = Answer::default();
                }
                let middle = answer.entries.len().div_ceil(2);
                answer.entries = match half {
                    0 => answer.entries.drain(..middle).collect(),
                    _ => answer.entries.drain(middle..).collect(),
                };
                answer.controls = vec![wire::paged(&cookie)];
                bytes = whole(id, tag, &answer);
            }
        }
        Some(Reply { bytes, close })
    }

    fn bind(&mut self, state: &State, name: &str, password: &[u8]) -> Answer {
        self.bound = !name.is_empty() && password == state.password.as_bytes();
        match self.bound || name.is_empty() {
            true => Answer::default(),
            false => Answer::refusal(
                49,
                "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 52e, v4563\0",
            ),
        }
    }
}

fn whole(id: &[u8], tag: u8, answer: &Answer) -> Vec<u8> {
    let mut bytes: Vec<u8> = answer.entries.iter().flat_map(|entry| wire::entry(id, entry)).collect();
    bytes.extend(answer.references.iter().flat_map(|url| wire::reference(id, url)));
    bytes.extend(wire::result(id, tag, answer.code, &answer.words, &answer.controls));
    bytes
}

/// Subtrees can be watched only as whole naming contexts.
fn refuse_notification(state: &State, search: &Search) -> Option<Answer> {
    let head = state.tree.find(&search.base).is_some_and(|guid| state.tree.get(&guid).parent.is_none());
    (search.scope == 2 && !head).then(|| Answer::refusal(53, "00002077: the base is no naming context\0"))
}

/// In the form of Active Directory, which puts the name where the controls belong.
fn disconnection() -> Vec<u8> {
    let body = [tlv(0x0a, &[52]), tlv(4, b""), tlv(4, b"00000000: the server is shutting down")].concat();
    tlv(0x30, &[tlv(2, &[0]), tlv(0x78, &body), tlv(0x8a, b"1.3.6.1.4.1.1466.20036")].concat())
}
