//! A few people of each source, as read and as the rules map them.
//!
//! They are shown to whoever asked, on a terminal or in the document, and are in no log.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::model::{Catalogue, Person, Record, SourceId, Verdict, Wanted};
use crate::report::text::{Style, printable};
use crate::rules::GroupSet;

/// So many per source.
const SHOWN: usize = 3;
/// So much of a value is shown on a terminal, in characters.
const LONG: usize = 100;

/// The samples of one source. Which they are depends on who is there and not on the order of
/// reading: those whom the rules take come first, then the smallest anchors.
#[derive(Default)]
pub(super) struct Samples(BTreeMap<(u8, SourceId), Sample>);

struct Sample {
    record: Record,
    groups: GroupSet,
    wanted: Wanted,
}

/// What names the licences and groups of samples.
pub(super) struct Names<'a> {
    /// `None` when the cloud told none.
    pub catalogue: Option<&'a Catalogue>,
    /// The groups that the rules name.
    pub groups: &'a [String],
}

impl Samples {
    /// Looks at one more person.
    pub(super) fn consider(&mut self, record: &Record, groups: &GroupSet, verdict: &Verdict) {
        let rank = match verdict.wanted {
            Wanted::Present(_) => 0,
            Wanted::Withheld(_) => 1,
            Wanted::Leaving(_) => 2,
        };
        let place = (rank, record.anchor);
        if self.0.len() == SHOWN && self.0.last_key_value().is_some_and(|(last, _)| *last <= place) {
            return;
        }
        let (record, groups, wanted) = (record.clone(), groups.clone(), verdict.wanted.clone());
        self.0.insert(place, Sample { record, groups, wanted });
        if self.0.len() > SHOWN {
            self.0.pop_last();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn documents(&self, source: &str, names: &Names<'_>) -> Vec<Value> {
        self.0.values().map(|sample| sample.document(source, names)).collect()
    }

    pub(super) fn write(
        &self,
        out: &mut dyn Write,
        style: Style,
        source: &str,
        names: &Names<'_>,
    ) -> io::Result<()> {
        for sample in self.0.values() {
            writeln!(out)?;
            let dn = printable(&sample.record.dn);
            writeln!(out, "{} {}", style.bold(&format!("sample from {source}:")), style.bold(&dn))?;
            sample.write(out, style, names)?;
        }
        Ok(())
    }
}

impl Sample {
    /// Names and values as read, in the order of names.
    fn attributes(&self) -> BTreeMap<&str, Vec<String>> {
        let attributes = self.record.attributes.iter();
        attributes
            .map(|attribute| {
                let mut values: Vec<String> = attribute.values.iter().map(|value| shown(value)).collect();
                values.sort();
                (attribute.name.as_str(), values)
            })
            .collect()
    }

    fn groups<'a>(&self, names: &Names<'a>) -> Vec<&'a str> {
        self.groups.iter().filter_map(|at| names.groups.get(at)).map(String::as_str).collect()
    }

    fn document(&self, source: &str, names: &Names<'_>) -> Value {
        let (verdict, reason) = self.verdict();
        json!({
            "source": source,
            "anchor": self.record.anchor,
            "dn": self.record.dn,
            "disabled": self.record.disabled,
            "attributes": self.attributes(),
            "groups": self.groups(names),
            "verdict": verdict,
            "reason": reason,
            "person": match &self.wanted {
                Wanted::Present(person) => json!({
                    "email": person.email,
                    "attributes": person.profile,
                    "licenses": licenses(person, names),
                    "roles": person.roles,
                }),
                Wanted::Withheld(_) | Wanted::Leaving(_) => Value::Null,
            },
        })
    }

    fn verdict(&self) -> (&'static str, String) {
        match &self.wanted {
            Wanted::Present(_) => ("present", String::new()),
            Wanted::Withheld(withheld) => ("withheld", withheld.reason.clone()),
            Wanted::Leaving(cause) => ("leaving", cause.words().into()),
        }
    }

    fn write(&self, out: &mut dyn Write, style: Style, names: &Names<'_>) -> io::Result<()> {
        let mut line = |label: &str, name: &str, value: &str| {
            let value = cut(&printable(value));
            writeln!(out, "  {} {name:<22} {value}", style.dim(&format!("{label:<7}")))
        };
        let mut label = "read";
        line(label, "anchor", &self.record.anchor.to_string())?;
        label = "";
        for (name, values) in self.attributes() {
            line(label, name, &values.join(" | "))?;
        }
        let groups = self.groups(names);
        if !groups.is_empty() {
            line(label, "groups of the rules", &groups.join(" | "))?;
        }
        let (_, reason) = self.verdict();
        let Wanted::Present(person) = &self.wanted else {
            let what =
                if matches!(self.wanted, Wanted::Withheld(_)) { "withheld" } else { "not in the cloud" };
            return line("mapped", what, &reason);
        };
        line("mapped", "email", person.email.as_str())?;
        for (field, value) in &person.profile {
            line(label, field.name(), value)?;
        }
        match names.catalogue {
            None => line(label, "licences", "(not known without an answer of the cloud)")?,
            Some(_) if person.licenses.is_empty() => line(label, "licences", "none")?,
            Some(_) => line(label, "licences", &licenses(person, names).join(" | "))?,
        }
        if !person.roles.is_empty() {
            let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
            line(label, "roles", &roles.join(" | "))?;
        }
        Ok(())
    }
}

fn licenses(person: &Person, names: &Names<'_>) -> Vec<String> {
    let name = |id| names.catalogue.map_or_else(String::new, |catalogue| catalogue.name(id).to_owned());
    person.licenses.iter().map(name).collect()
}

/// A value as text, where it is text.
fn shown(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("({} bytes that are no text)", value.len()),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attribute, Cause, Profile, RecordKind, Withheld};

    fn record(n: u8) -> Record {
        let attribute = Attribute {
            name: "mail".into(),
            values: vec![format!("a{n}@example.com").into_bytes(), vec![0xff]],
        };
        Record {
            anchor: SourceId::new([n; 16]),
            dn: format!("cn={n}"),
            kind: RecordKind::Person,
            disabled: false,
            expires: None,
            attributes: vec![attribute],
        }
    }

    fn verdict(wanted: Wanted) -> Verdict {
        Verdict {
            wanted,
            ungiven: Vec::new(),
            unfit: Vec::new(),
            recheck: None,
            standing: Default::default(),
        }
    }

    fn present(n: u8) -> Wanted {
        Wanted::Present(Person {
            email: format!("a{n}@example.com").parse().unwrap(),
            active: true,
            profile: Profile::new(),
            licenses: Default::default(),
            roles: Default::default(),
            telephone: None,
        })
    }

    #[test]
    fn the_same_people_are_chosen_in_whatever_order_they_come() {
        let withheld = || {
            Wanted::Withheld(Withheld {
                anchor: None,
                dn: String::new(),
                code: "no_email".into(),
                reason: "no address".into(),
                remedy: String::new(),
            })
        };
        let mut all = vec![
            (1, Wanted::Leaving(Cause::OutOfScope)),
            (2, withheld()),
            (3, withheld()),
            (4, present(4)),
            (5, present(5)),
        ];
        let chosen = |all: &[(u8, Wanted)]| {
            let mut samples = Samples::default();
            for (n, wanted) in all {
                samples.consider(&record(*n), &GroupSet::new(), &verdict(wanted.clone()));
            }
            let names = Names { catalogue: None, groups: &[] };
            let documents = samples.documents("corp", &names);
            documents.iter().map(|one| one["dn"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let first = chosen(&all);
        assert_eq!(first, ["cn=4", "cn=5", "cn=2"]);
        all.reverse();
        assert_eq!(chosen(&all), first);
    }

    #[test]
    fn a_sample_shows_what_was_read_and_what_becomes_of_it() {
        let mut samples = Samples::default();
        samples.consider(&record(1), &[0].into_iter().collect(), &verdict(present(1)));
        let groups = ["Staff".to_owned()];
        let names = Names { catalogue: None, groups: &groups };
        let document = &samples.documents("corp", &names)[0];
        assert_eq!(document["person"]["email"], "a1@example.com");
        assert_eq!(document["groups"][0], "Staff");
        assert_eq!(document["attributes"]["mail"][0], "(1 bytes that are no text)");
        let mut out = Vec::new();
        samples.write(&mut out, Style::default(), "corp", &names).unwrap();
        let text = String::from_utf8(out).unwrap();
        for words in ["sample from corp: cn=1", "a1@example.com", "Staff", "mapped", "not known without"] {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }
}
