//! One complete read of an LDIF file: once for the groups, once for everybody else.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::time::SystemTime;

use tokio::sync::mpsc;

use crate::model::{Ask, Census, Key, Portion, Record, RecordKind, SourceId, Unusable};
use crate::source::ad;
use crate::source::primary::PrimaryGroups;
use crate::source::shape::{AnchorIn, Looking, Shape, is_group};
use crate::source::tally::Tally;
use crate::source::{SourceError, SourceErrorKind};

use super::LdifSource;
use super::parse::{Item, Parser, Stop};

/// Records per message to the listener.
const BATCH: usize = 1000;

/// Reads the file, blocking.
pub(super) fn everything(
    source: &LdifSource,
    ask: &Ask,
    portions: &mpsc::Sender<Portion>,
) -> Result<Census, SourceError> {
    // The file stays open: when another takes its name meanwhile, both readings see one content.
    let mut file = open(source)?;
    let before = stamp(source, &file)?;
    let mut read = Read {
        source,
        ask,
        portions,
        tally: Tally::default(),
        primary_groups: PrimaryGroups::default(),
        suffix: None,
        derived: 0,
    };
    if !ask.groups || read.pass(&mut file, Pass::Groups)? && read.end_groups() {
        read.pass(&mut file, Pass::People)?;
    }
    let Read { mut tally, suffix, derived, .. } = read;
    if stamp(source, &file)? != before {
        tally.gap(format!("{} was changed while it was read", source.path.display()));
    }
    if tally.seen() == 0 {
        tally.gap(format!("{} names nobody: an empty directory proves nothing", source.path.display()));
    }
    if derived > 0 {
        tracing::info!(source = %source.name, entries = derived, "anchors derived from DNs: a rename is a leaver and a newcomer");
    }
    if tally.leftovers() > 0 {
        tracing::info!(source = %source.name, entries = tally.leftovers(), "deleted objects passed over");
    }
    Ok(tally.into_census(suffix.unwrap_or_default()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Groups,
    People,
}

struct Read<'a> {
    source: &'a LdifSource,
    ask: &'a Ask,
    portions: &'a mpsc::Sender<Portion>,
    tally: Tally,
    primary_groups: PrimaryGroups,
    /// The suffix of the first entry.
    suffix: Option<String>,
    /// Entries whose anchor comes from the DN.
    derived: u64,
}

impl Read<'_> {
    /// Reads the file once. Returns whether it is worth going on.
    fn pass(&mut self, file: &mut File, pass: Pass) -> Result<bool, SourceError> {
        file.rewind().map_err(|error| stopped(self.source, &Stop::Io(error)))?;
        let mut parser = Parser::new(BufReader::with_capacity(1 << 16, file));
        let mut batch = Vec::new();
        let go_on = loop {
            match parser.next() {
                Ok(Some(item)) => batch.extend(self.record(item, pass)),
                Ok(None) => {
                    if parser.is_cut() && pass == Pass::People {
                        let path = self.source.path.display();
                        self.tally.gap(format!("{path} ends in the middle of a line: was it copied whole?"));
                    }
                    break true;
                }
                // What was read before is good; only nothing can be said about who is missing.
                Err(Stop::Io(error)) => {
                    self.tally
                        .gap(format!("{} could not be read to its end: {error}", self.source.path.display()));
                    break false;
                }
                Err(stop) => return Err(stopped(self.source, &stop)),
            }
            if batch.len() >= BATCH && !self.send(&mut batch, pass) {
                return Ok(false);
            }
        };
        Ok(self.send(&mut batch, pass) && go_on)
    }

    fn record(&mut self, item: Item, pass: Pass) -> Option<Record> {
        let (dn, attributes) = match item {
            Item::Entry { dn, attributes } => (dn, attributes),
            Item::Bad { dn, reason } => {
                // Both passes meet it. Nobody knows what it is.
                if pass == Pass::People {
                    let entry = Unusable { dn, anchor: None, reason };
                    match self.ask.groups {
                        true => self.tally.unusable_group(entry),
                        false => self.tally.unusable(entry),
                    }
                }
                return None;
            }
        };
        self.suffix.get_or_insert_with(|| suffix_of(&dn));
        if (pass == Pass::Groups) != is_group(&attributes) {
            return None;
        }
        let shape =
            Shape { anchor: &AnchorIn::WellKnown, looking: Looking::Anything, keep: &self.ask.attributes };
        let mut shaped = shape.apply(attributes);
        if shaped.leftover || ad::is_leftover(&dn) {
            self.tally.leftover();
            return None;
        }
        let wanted = match shaped.kind {
            RecordKind::Other => false,
            RecordKind::Contact => self.ask.contacts,
            RecordKind::Person | RecordKind::Group | RecordKind::Room => true,
        };
        if !wanted {
            return None;
        }
        let derived = shaped.anchor.is_none();
        let fallback = SourceId::new(Key::dn(&dn).0);
        let (sid, primary) = (shaped.sid.take(), shaped.primary_group.take());
        match shaped.into_record(dn, Some(fallback)) {
            Ok(mut record) => {
                if self.ask.groups {
                    self.primary_groups.meet(&mut record, sid, primary);
                }
                self.derived += u64::from(derived);
                self.tally.count(record.kind);
                Some(record)
            }
            Err(entry) => {
                self.tally.unusable(entry);
                None
            }
        }
    }

    /// Bad entries are met again among the people, and make the census partial then.
    fn end_groups(&mut self) -> bool {
        let whole = self.tally.is_whole();
        self.pass_on(Portion::GroupsEnd { whole })
    }

    fn send(&mut self, batch: &mut Vec<Record>, pass: Pass) -> bool {
        if batch.is_empty() {
            return true;
        }
        let full = std::mem::take(batch);
        self.pass_on(if pass == Pass::Groups { Portion::Groups(full) } else { Portion::People(full) })
    }

    fn pass_on(&mut self, portion: Portion) -> bool {
        if self.portions.blocking_send(portion).is_ok() {
            return true;
        }
        self.tally.gap("the read was stopped before its end".into());
        false
    }
}

/// The naming context of an entry: its `dc` components, or its last component when it has none.
pub(super) fn suffix_of(dn: &str) -> String {
    let lower = dn.to_lowercase();
    let mut parts: Vec<&str> = lower.split(',').map(str::trim).collect();
    let last = parts.last().copied().unwrap_or_default().to_owned();
    let begin = parts.iter().rposition(|part| !part.starts_with("dc=")).map_or(0, |at| at + 1);
    let domain = parts.split_off(begin).join(",");
    if domain.is_empty() { last } else { domain }
}

/// Opens the file. A pipe or a device has no end to wait for, and cannot be read twice.
pub(super) fn open(source: &LdifSource) -> Result<File, SourceError> {
    let refused = |error: std::io::Error| {
        source.error(
            SourceErrorKind::Unreachable,
            &format!("cannot be opened: {error}"),
            "check the path, and that the account of the service may read the file",
        )
    };
    // Asked before it is opened: that alone waits for ever on a pipe.
    let metadata = std::fs::metadata(&source.path).map_err(refused)?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a directory" } else { "a pipe or a device" };
        return Err(source.error(
            SourceErrorKind::Misconfigured,
            &format!("is {what} and not a file"),
            "set path to an ordinary LDIF file, and let whatever makes the export write one",
        ));
    }
    File::open(&source.path).map_err(refused)
}

/// Size and time of change, by which a change during the read is noticed.
pub(super) fn stamp(source: &LdifSource, file: &File) -> Result<(u64, Option<SystemTime>), SourceError> {
    let metadata = file.metadata().map_err(|error| stopped(source, &Stop::Io(error)))?;
    Ok((metadata.len(), metadata.modified().ok()))
}

pub(super) fn stopped(source: &LdifSource, stop: &Stop) -> SourceError {
    match stop {
        Stop::Io(error) => source.error(
            SourceErrorKind::Unreachable,
            &format!("cannot be read: {error}"),
            "check the disk or share on which the file is",
        ),
        Stop::NotContent { line, what } => source.error(
            SourceErrorKind::Misconfigured,
            &format!("line {line} is {what}"),
            "export entries (content records) in UTF-8, as slapcat or ldapsearch -LLL write them",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::model::Completeness;
    use crate::source::Source;

    use super::*;

    const FILE: &str = "version: 1

dn: dc=example,dc=com
objectClass: domain
dc: example

dn: uid=ann,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
entryUUID: 6f1d3c1e-0a2b-4c3d-8e9f-001122334455
uid: ann
mail: ann@example.com

dn: cn=staff,ou=groups,dc=example,dc=com
objectClass: groupOfUniqueNames
cn: staff
uniqueMember: uid=ann,ou=people,dc=example,dc=com

dn: CN=Bob,OU=People,DC=example,DC=com
changetype: add
objectClass: user
objectGUID:: Hjwdbx8rPUyOnwARIjNEVQ==
userAccountControl: 514
mail: bob@example.com

dn: cn=bad,dc=example,dc=com
objectClass:: ***

";

    async fn read(text: &str, groups: bool) -> (Vec<Record>, Result<Census, SourceError>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let source = LdifSource::new("file".into(), file.path().into());
        let ask = Ask { attributes: ["mail".to_owned()].into(), groups, contacts: false };
        let (sender, mut receiver) = mpsc::channel(1);
        let collect = async {
            let mut all = Vec::new();
            while let Some(portion) = receiver.recv().await {
                match portion {
                    Portion::Groups(records) | Portion::People(records) => all.extend(records),
                    Portion::GroupsEnd { .. } => {}
                }
            }
            all
        };
        tokio::join!(collect, source.read(&ask, sender))
    }

    #[tokio::test]
    async fn groups_come_first_and_bad_entries_are_listed() {
        let (records, census) = read(FILE, true).await;
        let census = census.unwrap();
        // The bad entry may be a group.
        assert!(!census.is_whole());
        assert_eq!((census.people, census.groups, census.unusable.len()), (2, 1, 1));
        assert_eq!(census.unusable[0].dn, "cn=bad,dc=example,dc=com");
        assert_eq!(census.identity, "dc=example,dc=com");
        let kinds: Vec<_> = records.iter().map(|record| record.kind).collect();
        assert_eq!(kinds, [RecordKind::Group, RecordKind::Person, RecordKind::Person]);
        assert_eq!(records[0].text("member"), Some("uid=ann,ou=people,dc=example,dc=com"));
        assert_eq!(records[1].anchor.to_string(), "6f1d3c1e-0a2b-4c3d-8e9f-001122334455");
        assert_eq!(records[1].attributes.len(), 1);
        assert!(records[2].disabled);
        assert_eq!(records[2].anchor.to_string(), "6f1d3c1e-2b1f-4c3d-8e9f-001122334455");
        let (records, census) = read(FILE, false).await;
        let census = census.unwrap();
        assert_eq!((records.len(), census.groups, census.is_whole()), (2, 0, true));
    }

    #[tokio::test]
    async fn contacts_and_deleted_objects_are_nobody() {
        let text = "dn: CN=A,DC=test\nobjectClass: user\nmail: a@example.com\n\n\
            dn: CN=B,DC=test\nobjectClass: person\nobjectClass: contact\nmail: b@example.com\n\n\
            dn: CN=C\\0ADEL:6f1d3c1e-0a2b-4c3d-8e9f-001122334455,CN=Deleted Objects,DC=test\nobjectClass: user\n\n\
            dn: CN=D,DC=test\nobjectClass: user\nisDeleted: TRUE\n\n";
        let (records, census) = read(text, true).await;
        assert_eq!((records.len(), records[0].dn.as_str()), (1, "CN=A,DC=test"));
        assert!(census.unwrap().is_whole());
    }

    #[tokio::test]
    async fn an_entry_without_anchor_is_known_by_its_dn() {
        let one = "dn: cn=Ann,dc=test\nobjectClass: person\ncn: Ann\n\n";
        let same = "dn: CN=Ann, DC=test\nobjectClass: person\ncn: Ann\n\n";
        let (a, _) = read(one, true).await;
        let (b, _) = read(same, true).await;
        assert_eq!(a[0].anchor, b[0].anchor);
    }

    #[tokio::test]
    async fn what_is_cut_or_empty_is_partial_and_what_is_no_content_is_an_error() {
        let (_, census) = read("", true).await;
        assert!(!census.unwrap().is_whole());
        let (records, census) = read(FILE.trim_end(), true).await;
        assert_eq!(records.len(), 3);
        let Completeness::Partial { reasons } = census.unwrap().completeness else { panic!("whole") };
        assert!(reasons[0].contains("middle of a line"), "{reasons:?}");
        let (_, census) = read(&format!("{FILE}dn: cn=x\nchangetype: delete\n\n"), true).await;
        let error = census.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Misconfigured);
        assert!(error.what.contains("line 29"), "{error}");
        let gone = LdifSource::new("file".into(), "/nonexistent.ldif".into());
        assert_eq!(gone.probe(&Ask::default(), 0).await.unwrap_err().kind, SourceErrorKind::Unreachable);
    }

    #[test]
    fn suffixes() {
        for (dn, suffix) in [
            ("uid=a,ou=b,DC=example,DC=com", "dc=example,dc=com"),
            ("cn=a, o=Example", "o=example"),
            ("dc=test", "dc=test"),
            ("", ""),
        ] {
            assert_eq!(suffix_of(dn), suffix, "{dn}");
        }
    }
}
