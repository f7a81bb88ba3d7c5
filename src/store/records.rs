//! The records as read, kept from pass to pass where the configuration says so, so that other rules
//! are judged without reading the directory again.
//!
//! A record is packed into some hundred bytes: words that come again and again (names of attributes,
//! the places of people) stand once, in [`KeptRecords::words`]. What is left is names and numbers of
//! people, which compress by a tenth at most, one record at a time; so they are not compressed.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::error::nonsense;
use super::{Reader, StoreError};
use crate::model::{Ask, Attribute, Record, RecordKind, SourceId};

/// Places of people that become words at most: the words are part of a document that is often written.
const PLACES: usize = 512;

/// The first byte of a packed record.
const VERSION: u8 = 1;

/// What the kept records hold, and what they refer to. While it is there, they are those of the time of
/// the cursors, or newer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptRecords {
    /// The attributes that were asked for, lower case.
    pub attributes: BTreeSet<String>,
    /// Whether groups were, so that the state knows all of them.
    pub groups: bool,
    /// The words.
    pub words: Vec<String>,
}

impl KeptRecords {
    /// None yet, of what is asked for.
    pub fn of(ask: &Ask) -> Self {
        Self { attributes: ask.attributes.clone(), groups: ask.groups, words: Vec::new() }
    }

    /// What was asked for.
    pub fn ask(&self) -> Ask {
        Ask { attributes: self.attributes.clone(), groups: self.groups }
    }

    /// Whether they hold everything that is asked for.
    pub fn cover(&self, ask: &Ask) -> bool {
        ask.attributes.is_subset(&self.attributes) && (self.groups || !ask.groups)
    }
}

/// What becomes of kept records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordChanges {
    /// Forget all of them before.
    pub clear: bool,
    /// New and changed ones, packed.
    pub put: Vec<(SourceId, Vec<u8>)>,
    /// Those of people who are gone.
    pub drop: Vec<SourceId>,
}

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

pub(super) fn write(db: &Connection, changes: &RecordChanges) -> rusqlite::Result<()> {
    if changes.clear {
        // What is forgotten is not to be found in the file either.
        db.pragma_update(None, "secure_delete", true)?;
        let cleared = db.execute("DELETE FROM record", []);
        db.pragma_update(None, "secure_delete", false)?;
        cleared?;
    }
    let mut put = db.prepare_cached(
        "INSERT INTO record (anchor, document) VALUES (?1, ?2) ON CONFLICT (anchor) DO UPDATE
         SET document = excluded.document WHERE document <> excluded.document",
    )?;
    for (anchor, document) in &changes.put {
        put.execute(params![anchor.as_bytes(), document])?;
    }
    let mut drop = db.prepare_cached("DELETE FROM record WHERE anchor = ?1")?;
    for anchor in &changes.drop {
        drop.execute([anchor.as_bytes()])?;
    }
    Ok(())
}

impl Reader {
    /// At most `limit` kept records that follow an anchor, packed, sorted by anchor.
    ///
    /// # Errors
    ///
    /// This and the other calls: when the database cannot be read.
    pub fn records_after(
        &self,
        after: Option<SourceId>,
        limit: usize,
    ) -> Result<Vec<(SourceId, Vec<u8>)>, StoreError> {
        self.read("reading the kept records", |db| {
            let after: &[u8] = after.as_ref().map_or(&[], |anchor| anchor.as_bytes());
            db.prepare_cached(
                "SELECT anchor, document FROM record WHERE anchor > ?1 ORDER BY anchor LIMIT ?2",
            )?
            .query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok((SourceId::new(row.get(0)?), row.get(1)?))
            })?
            .collect()
        })
    }

    /// At most `limit` people who are linked, have not left, and of whom no record is kept; sorted.
    pub fn unrecorded(&self, limit: usize) -> Result<Vec<SourceId>, StoreError> {
        self.read("looking for people without a kept record", |db| {
            db.prepare_cached(
                "SELECT anchor FROM link WHERE left_since IS NULL
                     AND NOT EXISTS (SELECT 1 FROM record WHERE record.anchor = link.anchor)
                 ORDER BY anchor LIMIT ?1",
            )?
            .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0).map(SourceId::new))?
            .collect()
        })
    }

    /// How many records are kept, and the bytes of all of them.
    pub fn kept_size(&self) -> Result<(u64, u64), StoreError> {
        self.read("counting the kept records", |db| {
            db.query_row("SELECT count(*), coalesce(sum(length(document)), 0) FROM record", [], |row| {
                Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs()))
            })
        })
    }
}

/// The error of a record that cannot be unpacked.
pub fn unreadable(anchor: SourceId) -> StoreError {
    let mut error = StoreError::sqlite(
        "reading the kept records",
        &nonsense(format!("the record of {anchor} is damaged")),
    );
    error.remedy = "run `dirsyncd sync --full` once: the sources are read, and the records kept anew".into();
    error
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
