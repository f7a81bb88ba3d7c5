//! Of several people with one address, who goes on: what the configuration says, and the age of a
//! record where it counts.

use serde::Serialize;

use crate::model::Record;

use super::Rules;

/// Who goes on when several people claim one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Collisions {
    /// Whoever has it already; among newcomers nobody.
    #[default]
    Linked,
    /// Whoever has it already; then somebody linked; then the oldest record.
    LinkedThenOldest,
    /// Nobody, not even whoever has it: the account stays as it is.
    Nobody,
}

/// When a record was made: Active Directory's attribute, and that of RFC 4512, 3.4.2.
pub(super) const AGE: [&str; 2] = ["whencreated", "createtimestamp"];

impl Rules {
    /// Who goes on when several people claim one address.
    pub fn collisions(&self) -> Collisions {
        self.collisions
    }

    /// When a record was made, as a number that only grows (`20240131235959`), where the rules ask
    /// for it and the directory tells it in UTC.
    pub fn created(&self, record: &Record) -> Option<i64> {
        if self.collisions != Collisions::LinkedThenOldest {
            return None;
        }
        AGE.iter().find_map(|name| record.text(name)).and_then(age)
    }
}

/// The number of a generalized time (RFC 4517, 3.3.13) in UTC, to the second.
fn age(time: &str) -> Option<i64> {
    let (digits, rest) = time.split_at_checked(14)?;
    let fraction = rest.strip_suffix('Z')?;
    let fraction = fraction.strip_prefix(['.', ',']).unwrap_or(fraction);
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(digits) || !all_digits(fraction) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Spec;
    use crate::rules::tests::person;

    #[test]
    fn the_age_is_read_where_it_counts_and_can_be_compared() {
        let old = person(&[("mail", "ann@example.com"), ("whenCreated", "20240131235959.0Z")]);
        let rules = |collisions| Rules::compile(&Spec { collisions, ..Spec::default() }).unwrap();
        let counting = rules(Collisions::LinkedThenOldest);
        assert_eq!(counting.created(&old), Some(20_240_131_235_959));
        assert!(counting.ask().attributes.contains("whencreated"));
        let not = rules(Collisions::Linked);
        assert_eq!(not.created(&old), None);
        assert!(!not.ask().attributes.contains("whencreated"));
        for (time, number) in [
            ("20240131235959Z", Some(20_240_131_235_959)),
            ("20240131235959,25Z", Some(20_240_131_235_959)),
            ("20240131235959+0100", None),
            ("20240131", None),
            ("yesterday, aeZ", None),
            ("", None),
        ] {
            assert_eq!(age(time), number, "{time}");
        }
    }
}
