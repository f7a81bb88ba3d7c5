//! Who comes first when seats are few: the rule, the configured attribute, seniority.
//!
//! The value of the attribute becomes bytes that compare as it should be ordered, so that what is
//! kept and compared later needs to know nothing of numbers, letters or directions.

use std::collections::BTreeSet;

use crate::model::{LicenseId, Standing};

use super::error::RuleError;
use super::expr::{Needs, Text};
use super::fold::folded;
use super::subject::Subject;
use super::{Dialect, Spec};

/// Of a text so many bytes decide; beyond, seniority does.
const LONGEST: usize = 64;

/// What stands first in the bytes: numbers before texts before nothing, in either direction.
const NUMBER: u8 = 0;
const TEXT: u8 = 1;
const NOTHING: u8 = 2;

/// How people are ordered.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    by: Option<Text>,
    descending: bool,
    /// The attribute that says since when a record exists, lower case.
    created: &'static str,
}

impl Order {
    /// Compiles the order, adding what is wrong to `errors`. Nothing is read for it where no rule
    /// gives a licence.
    pub(super) fn compile(spec: &Spec, needs: &mut Needs, errors: &mut Vec<RuleError>) -> Self {
        let created = match spec.dialect {
            Dialect::ActiveDirectory => "whencreated",
            Dialect::InetOrgPerson => "createtimestamp",
        };
        if !spec.entitlements.is_empty() {
            needs.attributes.insert(created.to_owned());
        }
        let by = spec.seats.order_by.as_deref().and_then(|source| {
            let compiled = Text::compile(source, needs);
            compiled.map_err(|error| errors.push(error.at("seats.order_by"))).ok()
        });
        Self { by, descending: spec.seats.descending, created }
    }

    /// The standing of a person with these licences, of which `first` says by which rule each is
    /// given first.
    pub(super) fn standing(
        &self,
        subject: &Subject<'_>,
        licenses: &BTreeSet<LicenseId>,
        first: &[(&LicenseId, usize)],
    ) -> Standing {
        if licenses.is_empty() {
            return Standing::default();
        }
        let rule = |id: &LicenseId| {
            let at = first.iter().find(|(other, _)| *other == id).map_or(usize::MAX, |(_, at)| *at);
            u16::try_from(at).unwrap_or(u16::MAX)
        };
        let order = self.by.as_ref().map(|by| key(&by.of(subject), self.descending));
        Standing {
            rules: licenses.iter().map(rule).collect(),
            order: order.unwrap_or_default(),
            created: subject.record.text(self.created).and_then(seconds),
        }
    }
}

/// Bytes that compare as the value should be ordered.
fn key(value: &str, descending: bool) -> Box<[u8]> {
    let value = value.trim();
    if value.is_empty() {
        return [NOTHING].into();
    }
    let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
    let mut bytes = match number {
        Some(number) => {
            // -0 is 0. The bits of a positive number compare as the number, those of a negative
            // one the other way round (IEEE 754).
            let bits = (number + 0.0).to_bits();
            let ordered = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
            let mut bytes = vec![NUMBER];
            bytes.extend(ordered.to_be_bytes());
            bytes
        }
        None => {
            let folded = folded(value);
            let mut bytes = vec![TEXT];
            bytes.extend(folded.bytes().take(LONGEST));
            // No byte of UTF-8 is 0: what ends comes before what goes on, or after it.
            bytes.push(0);
            bytes
        }
    };
    if descending {
        bytes[1..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    bytes.into()
}

/// A GeneralizedTime in UTC (RFC 4517, 3.3.13) as directories write it, `20260304120000.0Z`, in
/// seconds since 1970-01-01.
fn seconds(text: &str) -> Option<i64> {
    let digits = text.get(..14).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    if !text.ends_with('Z') {
        return None;
    }
    let part = |from: usize, to: usize| digits[from..to].parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970-01-01 in the Gregorian calendar, with years that begin in March.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_numbers_then_texts_then_nothing() {
        let ascending = ["-12.5", "-1", "0", "2", "10", "1e3", "a", "ab", "B", "Ä", " "];
        let keys: Vec<_> = ascending.iter().map(|value| key(value, false)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        let descending = ["1e3", "10", "2", "0", "-1", "-12.5", "Ä", "B", "ab", "a", ""];
        let keys: Vec<_> = descending.iter().map(|value| key(value, true)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        assert_eq!(key("Sales", false), key(" sales ", false));
        assert_eq!(key("-0", false), key("0", false));
    }

    #[test]
    fn times_of_directories() {
        for (text, expected) in [
            ("19700101000000Z", Some(0)),
            ("20260101000000.0Z", Some(1_767_225_600)),
            ("20240229235959Z", Some(1_709_251_199)),
            ("20000301000000Z", Some(951_868_800)),
            ("20260101000000", None),
            ("20261301000000Z", None),
            ("2026Z", None),
            ("äääääääääääääääZ", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
