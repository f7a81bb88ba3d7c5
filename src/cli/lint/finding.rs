//! What lint found: the findings of each kind, counted, with examples.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::code::{Kind, Level};

/// One example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Example {
    /// Whom it is about; several for a collision, nobody for a rule.
    pub dns: Vec<String>,
    /// The value, where it is about one.
    pub value: String,
    /// The rule or field.
    pub rule: String,
    /// A sentence, where value and rule do not say it.
    pub message: String,
    /// The remedy for this one, where it is not that of its kind.
    pub remedy: String,
}

/// All findings of a kind.
pub(super) struct Found {
    pub level: Level,
    pub title: String,
    pub remedy: String,
    pub count: u64,
    pub examples: Vec<Example>,
}

/// What was found, by code.
pub(super) struct Findings {
    /// At most so many examples are kept of each kind.
    limit: usize,
    all: BTreeMap<&'static str, Found>,
}

impl Findings {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, all: BTreeMap::new() }
    }

    /// One more. The example is only made while some are kept.
    pub(super) fn add(&mut self, kind: Kind, example: impl FnOnce() -> Example) {
        self.put(kind, kind.remedy(), example);
    }

    /// Somebody who is withheld.
    pub(super) fn reject(&mut self, withheld: &crate::model::Withheld) {
        let kind = Kind::of_rejection(&withheld.code);
        self.put(kind, &withheld.remedy, || Example {
            dns: vec![withheld.dn.clone()],
            message: withheld.reason.clone(),
            remedy: withheld.remedy.clone(),
            ..Example::default()
        });
    }

    fn put(&mut self, kind: Kind, remedy: &str, example: impl FnOnce() -> Example) {
        let code = kind.code();
        if !self.all.contains_key(code) {
            let (level, title, remedy) = (kind.level(), kind.title().to_owned(), remedy.to_owned());
            self.all.insert(code, Found { level, title, remedy, count: 0, examples: Vec::new() });
        }
        let Some(found) = self.all.get_mut(code) else { return };
        found.count += 1;
        if found.examples.len() < self.limit {
            let mut example = example();
            if example.remedy.is_empty() {
                example.remedy.clone_from(&found.remedy);
            }
            found.examples.push(example);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What was found, the worst first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Found)> {
        let of = |level: Level| {
            let all = self.all.iter().filter(move |(_, found)| found.level == level);
            all.map(|(code, found)| (*code, found))
        };
        of(Level::Error).chain(of(Level::Warning))
    }

    pub(super) fn documents(&self) -> Vec<Value> {
        self.iter()
            .map(|(code, found)| {
                json!({
                    "code": code,
                    "level": found.level.word(),
                    "title": found.title,
                    "remedy": found.remedy,
                    "count": found.count,
                    "examples": found.examples.iter().map(|example| json!({
                        "dns": example.dns,
                        "value": example.value,
                        "rule": example.rule,
                        "message": example.message,
                        "remedy": example.remedy,
                    })).collect::<Vec<_>>(),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_few_are_kept() {
        let mut findings = Findings::new(2);
        for n in 0..5 {
            findings.add(Kind::Placeholder, || Example { value: n.to_string(), ..Example::default() });
        }
        findings.add(Kind::Collision, Example::default);
        let shown: Vec<_> =
            findings.iter().map(|(code, found)| (code, found.count, found.examples.len())).collect();
        assert_eq!(shown, [("collision", 1, 1), ("placeholder", 5, 2)]);
        assert!(findings.iter().all(|(_, found)| found.examples.iter().all(|one| !one.remedy.is_empty())));
    }
}
