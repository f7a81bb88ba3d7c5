//! A short look at an LDIF file: how old it is, and what its beginning says.

use std::io::BufReader;
use std::time::UNIX_EPOCH;

use crate::model::Method;
use crate::source::{ChangesBy, Fact, Probe, SourceError, Topic};

use super::LdifSource;
use super::parse::{Item, Parser};
use super::read::{open, stamp, stopped, suffix_of};

const DAY: i64 = 86_400;

/// An export that runs every week and failed once is older than this.
const OLD: i64 = 8 * DAY;

/// Looks at the beginning of the file, blocking.
pub(super) fn probe(source: &LdifSource, now: i64) -> Result<Probe, SourceError> {
    let file = open(source)?;
    let (size, modified) = stamp(source, &file)?;
    let path = source.path.display();
    let written = modified
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_secs()).ok());
    let mut facts = vec![match written.map(|written| now.saturating_sub(written)) {
        Some(age) if age > OLD => Fact::warn(
            Topic::File,
            format!("{path} has {size} bytes and was written {} days ago", age / DAY),
            "check that whatever writes the file still runs",
        ),
        Some(age) => Fact::ok(Topic::File, format!("{path} has {size} bytes and was written {}", ago(age))),
        None => Fact::ok(Topic::File, format!("{path} has {size} bytes")),
    }];
    let mut parser = Parser::new(BufReader::new(file));
    let identity = match parser.next().map_err(|stop| stopped(source, &stop))? {
        Some(Item::Entry { dn, attributes }) => {
            let names = ["objectguid", "entryuuid", "nsuniqueid"];
            if !attributes.iter().any(|attribute| names.contains(&attribute.name.as_str())) {
                facts.push(Fact::warn(
                    Topic::File,
                    "the first entry has no objectGUID, entryUUID or nsUniqueId: its anchor comes from its DN, and \
                     a rename will be a leaver and a newcomer",
                    "export one of these attributes too (ldapsearch: ask for + besides *)",
                ));
            }
            suffix_of(&dn)
        }
        Some(Item::Bad { reason, .. }) => {
            facts.push(Fact::warn(
                Topic::File,
                format!("the first entry cannot be used: {reason}"),
                "repair the entry, or the program that writes the file",
            ));
            String::new()
        }
        None => {
            facts.push(Fact::fail(
                Topic::File,
                "there is no entry in it",
                "check that whatever writes the file still runs",
            ));
            String::new()
        }
    };
    facts
        .push(Fact::ok(Topic::Changes, "changes: a file does not tell them; it is read whole in every pass"));
    Ok(Probe {
        product: "LDIF file".into(),
        identity,
        server: None,
        bases: Vec::new(),
        group_bases: Vec::new(),
        changes: Some(ChangesBy { method: Method::Full, tells_deletions: true, advice: None }),
        facts,
    })
}

fn ago(seconds: i64) -> String {
    match seconds {
        ..60 => "just now".into(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..DAY => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::source::Standing;

    fn probed(text: &str, later: i64) -> Probe {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let modified = file.as_file().metadata().unwrap().modified().unwrap();
        let written = modified.duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
        probe(&LdifSource::new("file".into(), file.path().into()), written + later).unwrap()
    }

    #[test]
    fn a_file_that_nobody_writes_any_more_is_noticed() {
        let ann =
            "dn: cn=Ann,dc=test\nobjectClass: person\nentryUUID: 6f1d3c1e-0a2b-4c3d-8e9f-001122334455\n\n";
        for (later, standing, words) in [
            (0, Standing::Ok, "just now"),
            (7 * DAY, Standing::Ok, "7 days ago"),
            (9 * DAY, Standing::Warn, "9 days ago"),
        ] {
            let probe = probed(ann, later);
            assert_eq!(probe.facts[0].standing, standing, "{probe:?}");
            assert!(probe.facts[0].what.contains(words), "{probe:?}");
            assert!(probe.facts[1..].iter().all(|fact| fact.standing == Standing::Ok), "{probe:?}");
        }
    }

    #[test]
    fn an_empty_file_fails_and_one_without_anchors_warns() {
        for (text, standing) in [
            ("version: 1\n", Standing::Fail),
            ("dn: cn=Ann,dc=test\nobjectClass: person\n\n", Standing::Warn),
        ] {
            assert!(probed(text, 0).facts.iter().any(|fact| fact.standing == standing), "{text}");
        }
    }
}
