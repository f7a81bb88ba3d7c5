//! A record that is kept is packed into some hundred bytes: words that come again and again (names of
//! attributes, the places of people) stand once, in [`KeptRecords::words`]. What is left is names and
//! numbers of people, which compress by a tenth at most, one record at a time; so they are not compressed.

use std::collections::HashMap;

use super::KeptRecords;
use crate::model::{Attribute, Record, RecordKind, SourceId};

/// Places of people that become words at most: the words are part of a document that is often written.
const PLACES: usize = 512;

/// The first byte of a packed record.
const VERSION: u8 = 1;

/// Packs records, and learns words by it.
#[derive(Clone, Debug, Default)]
pub struct Packer {
    kept: KeptRecords,
    words: HashMap<String, usize>,
    places: usize,
}

impl Packer {
    /// Goes on with the words that are known.
    pub fn new(kept: KeptRecords) -> Self {
        let words: HashMap<String, usize> =
            kept.words.iter().enumerate().map(|(at, word)| (word.clone(), at)).collect();
        let places = words.keys().filter(|word| word.contains('=')).count();
        Self { kept, words, places }
    }

    /// What is to be remembered with the packed records.
    pub fn into_kept(self) -> KeptRecords {
        self.kept
    }

    /// The same, while packing goes on.
    pub fn kept(&self) -> &KeptRecords {
        &self.kept
    }

    /// Packs one record, without its anchor.
    pub fn pack(&mut self, record: &Record) -> Vec<u8> {
        let Record { anchor: _, dn, kind, disabled, expires, attributes } = record;
        let mut out = Vec::with_capacity(256);
        out.push(VERSION);
        let kind = match kind {
            RecordKind::Person => 0,
            RecordKind::Group => 1,
            RecordKind::Room => 2,
            RecordKind::Contact => 3,
            RecordKind::Other => 4,
        };
        out.push(kind | u8::from(*disabled) << 4 | u8::from(expires.is_some()) << 5);
        out.extend(expires.iter().flat_map(|at| at.to_le_bytes()));
        let (name, place) = halves(dn);
        match place.and_then(|place| self.place(place)) {
            Some(word) => {
                number(&mut out, word + 1);
                bytes(&mut out, name.as_bytes());
            }
            None => {
                number(&mut out, 0);
                bytes(&mut out, dn.as_bytes());
            }
        }
        number(&mut out, attributes.len());
        for Attribute { name, values } in attributes {
            let word = self.word(name);
            number(&mut out, word);
            number(&mut out, values.len());
            values.iter().for_each(|value| bytes(&mut out, value));
        }
        out
    }

    fn place(&mut self, place: &str) -> Option<usize> {
        if let Some(known) = self.words.get(place) {
            return Some(*known);
        }
        if self.places == PLACES {
            return None;
        }
        self.places += 1;
        Some(self.word(place))
    }

    fn word(&mut self, word: &str) -> usize {
        if let Some(known) = self.words.get(word) {
            return *known;
        }
        let at = self.kept.words.len();
        self.kept.words.push(word.to_owned());
        self.words.insert(word.to_owned(), at);
        at
    }
}

/// The own name in a DN, and where it stands. Any cut at a comma will do: both are put together again.
fn halves(dn: &str) -> (&str, Option<&str>) {
    match dn.split_once(',') {
        Some((name, place)) => (name, Some(place)),
        None => (dn, None),
    }
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn number(out: &mut Vec<u8>, mut n: usize) {
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Unpacks a record. `None` when it was not packed with these words.
pub fn unpack(anchor: SourceId, packed: &[u8], words: &[String]) -> Option<Record> {
    let mut input = Input(packed);
    let (version, head) = (input.byte()?, input.byte()?);
    if version != VERSION {
        return None;
    }
    let kind = match head & 0x0f {
        0 => RecordKind::Person,
        1 => RecordKind::Group,
        2 => RecordKind::Room,
        3 => RecordKind::Contact,
        4 => RecordKind::Other,
        _ => return None,
    };
    let expires = match head & 0x20 {
        0 => None,
        _ => Some(i64::from_le_bytes(input.take(8)?.try_into().ok()?)),
    };
    let place = input.number()?;
    let mut dn = input.text()?.to_owned();
    if let Some(at) = place.checked_sub(1) {
        dn.push(',');
        dn.push_str(words.get(at)?);
    }
    let count = input.number()?;
    let mut attributes = Vec::with_capacity(count.min(input.0.len()));
    for _ in 0..count {
        let name = words.get(input.number()?)?.clone();
        let count = input.number()?;
        let mut values = Vec::with_capacity(count.min(input.0.len()));
        for _ in 0..count {
            values.push(input.bytes()?.to_vec());
        }
        attributes.push(Attribute { name, values });
    }
    let disabled = head & 0x10 != 0;
    input.0.is_empty().then_some(Record { anchor, dn, kind, disabled, expires, attributes })
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|taken| taken[0])
    }

    fn number(&mut self) -> Option<usize> {
        let mut n = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.byte()?;
            n |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(n);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = self.number()?;
        self.take(count)
    }

    fn text(&mut self) -> Option<&'a str> {
        str::from_utf8(self.bytes()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let record = |n: u8, dn: &str, attributes: &[(&str, &[&str])]| Record {
            anchor: SourceId::new([n; 16]),
            dn: dn.into(),
            kind: RecordKind::Person,
            disabled: false,
            expires: None,
            attributes: Attribute::list(attributes),
        };
        let mut all = vec![
            record(
                1,
                "cn=Ann,ou=people,dc=example,dc=test",
                &[("mail", &["a@example.com"]), ("sn", &["Lee"])],
            ),
            record(2, r"cn=Lee\, Ann,ou=people,dc=example,dc=test", &[("Mail", &["b@x.test", "a@x.test"])]),
            record(3, "cn=root", &[]),
            record(4, "", &[("thumbnail", &[""])]),
            record(5, &format!("cn={},dc=test", "x".repeat(40_000)), &[("sn", &["Lee"])]),
        ];
        all[1].disabled = true;
        all[2].expires = Some(-5);
        all[3].kind = RecordKind::Room;
        all[3].attributes[0].values.push(vec![0xff, 0, 0x80]);
        all
    }

    #[test]
    fn what_is_unpacked_is_what_was_packed() {
        let mut packer = Packer::default();
        let packed: Vec<Vec<u8>> = records().iter().map(|record| packer.pack(record)).collect();
        let words = &packer.kept().words;
        for (record, packed) in records().iter().zip(&packed) {
            assert_eq!(unpack(record.anchor, packed, words).as_ref(), Some(record));
        }
        // Words are learned once, and known by whoever goes on.
        let mut next = Packer::new(packer.kept().clone());
        assert_eq!(next.pack(&records()[0]), packed[0]);
        assert_eq!(next.kept().words.len(), words.len());
    }

    #[test]
    fn damage_is_noticed_and_survived() {
        let mut packer = Packer::default();
        for record in records() {
            let whole = packer.pack(&record);
            for cut in 0..whole.len().min(300) {
                assert_eq!(unpack(record.anchor, &whole[..cut], &packer.kept().words), None);
            }
            let mut other = whole.clone();
            for at in 0..other.len().min(60) {
                other[at] ^= 0xff;
                let _ = unpack(record.anchor, &other, &packer.kept().words);
                other[at] ^= 0xff;
            }
        }
    }

    #[test]
    fn there_is_a_limit_to_the_words_for_places() {
        let mut packer = Packer::default();
        for n in 0..2 * PLACES {
            let record = Record { dn: format!("cn=x,ou=o{n},dc=test"), ..records().remove(2) };
            let packed = packer.pack(&record);
            assert_eq!(unpack(record.anchor, &packed, &packer.kept().words), Some(record));
        }
        assert_eq!(packer.kept().words.len(), PLACES);
    }
}
