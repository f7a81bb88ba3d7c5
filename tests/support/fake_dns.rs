//! A DNS server of some SRV and address records, on loopback.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

/// What a name has.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// Priority, weight, port, target.
    Srv(u16, u16, u16, &'static str),
    /// An address.
    A(Ipv4Addr),
}

/// The running server. Its thread ends with the test process.
pub(crate) struct FakeDns {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FakeDns {
    /// Starts a server that knows these records and nothing else.
    pub(crate) fn start(records: &[(&'static str, Data)]) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a free port on loopback");
        let address = socket.local_addr().expect("a bound socket has an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (records, log) = (records.to_vec(), asked.clone());
        std::thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((n, client)) = socket.recv_from(&mut query) {
                let Some((name, kind, end)) = question(&query[..n]) else { continue };
                log.lock().expect("the log of questions").push(name.clone());
                let answer = answer(&query[..end], &name, kind, &records);
                let _ = socket.send_to(&answer, client);
            }
        });
        Self { address, asked }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The names that were asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("the log of questions").clone()
    }
}

/// Name, type and end of the one question (RFC 1035, 4.1).
fn question(query: &[u8]) -> Option<(String, u16, usize)> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]);
    Some((labels.join("."), kind, at + 4))
}

fn answer(query: &[u8], name: &str, kind: u16, records: &[(&str, Data)]) -> Vec<u8> {
    let mut answers = Vec::new();
    let mut count: u16 = 0;
    let known = records.iter().any(|(owner, _)| *owner == name);
    for (_, data) in records.iter().filter(|(owner, _)| *owner == name) {
        let (data_kind, bytes) = match data {
            Data::Srv(priority, weight, port, target) => {
                let mut bytes: Vec<u8> =
                    [priority, weight, port].iter().flat_map(|n| n.to_be_bytes()).collect();
                bytes.extend(wire_name(target));
                (33, bytes)
            }
            Data::A(address) => (1, address.octets().to_vec()),
        };
        if data_kind != kind {
            continue;
        }
        count += 1;
        // A pointer to the name in the question; class IN; a minute.
        answers.extend([0xc0, 12]);
        answers.extend(u16::to_be_bytes(data_kind));
        answers.extend([0, 1, 0, 0, 0, 60]);
        answers.extend(u16::try_from(bytes.len()).expect("a short record").to_be_bytes());
        answers.extend(bytes);
    }
    let mut header = query[..2].to_vec();
    // An authoritative answer; NXDOMAIN for what is not known.
    header.extend([0x84 | (query[2] & 1), if known { 0x80 } else { 0x83 }]);
    header.extend([0, 1]);
    header.extend(count.to_be_bytes());
    header.extend([0, 0, 0, 0]);
    [header, query[12..].to_vec(), answers].concat()
}

fn wire_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).expect("a short label"));
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}
