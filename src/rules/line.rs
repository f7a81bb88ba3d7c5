//! The telephone that a rule gives with a calling licence.

use crate::model::{ADDRESSES, Hasher, Line, Place, Record, Telephone};

use super::error::RuleError;
use super::expr::{Needs, Text};
use super::fold::same;
use super::nearest::nearest;
use super::subject::Subject;
use super::{CallingSpec, GroupSet, Rules, Spec, Unbound, inputs};

/// Extensions have so many digits.
const DIGITS: std::ops::RangeInclusive<usize> = 2..=10;
/// A pool has at most so many.
const LARGEST_POOL: u32 = 1_000_000;

/// What one rule says about telephones.
#[derive(Clone, Debug, Default)]
pub(super) struct LineRule {
    location: Option<String>,
    location_from: Option<Text>,
    phone: Option<Text>,
    extension: Option<Text>,
    pool: Option<(u32, u32)>,
    /// The place that `location` names, once bound.
    place: Option<Place>,
}

impl LineRule {
    /// Compiles the part of the rule at `place`, adding what is wrong to `errors`.
    pub(super) fn compile(
        place: &str,
        spec: &CallingSpec,
        needs: &mut Needs,
        errors: &mut Vec<RuleError>,
    ) -> Self {
        let mut text = |key: &str, source: &Option<String>| {
            let compiled = Text::compile(source.as_deref()?, needs);
            compiled.map_err(|error| errors.push(error.at(&format!("{place}.{key}")))).ok()
        };
        let location_from = text("location_from", &spec.location_from);
        let phone = text("phone", &spec.phone);
        let extension = text("extension", &spec.extension);
        let pool = spec.extension_pool.as_deref().and_then(|written| {
            let fail = |(why, remedy)| {
                let message = format!("\"{written}\" is no range of extensions: {why}");
                errors.push(RuleError::whole(&format!("{place}.extension_pool"), message, remedy));
            };
            pool(written).map_err(fail).ok()
        });
        if spec.location.is_some() && spec.location_from.is_some() {
            errors.push(RuleError::whole(
                &format!("{place}.location_from"),
                "the rule says the location twice",
                "write `location` with a name, or `location_from` with an expression",
            ));
        }
        let location = spec.location.as_deref().map(|name| name.trim().to_owned());
        Self { location, location_from, phone, extension, pool, place: None }
    }

    /// Whether it says anything, so that the places of the organization must be known.
    pub(super) fn is_said(&self) -> bool {
        self.location.is_some()
            || self.location_from.is_some()
            || self.phone.is_some()
            || self.extension.is_some()
            || self.pool.is_some()
    }

    /// Resolves the location, adding it to `unbound` when there is no such place.
    pub(super) fn bind(&mut self, rule: &str, places: &[Place], unbound: &mut Vec<Unbound>) {
        let Some(wanted) = &self.location else { return };
        self.place = find(wanted, places).cloned();
        if self.place.is_none() {
            let remedy = match nearest(wanted, places.iter().map(|place| place.name.as_str())) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => "write the name of a location as Control Hub shows it, or its id".into(),
            };
            unbound.push(Unbound {
                rule: rule.to_owned(),
                wanted: wanted.clone(),
                message: format!("the organization has no location \"{wanted}\""),
                remedy,
            });
        }
    }

    /// The place that `location` names.
    pub(super) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The telephone of one person.
    pub(super) fn of(&self, rule: &str, subject: &Subject<'_>, places: &[Place]) -> Line {
        match self.telephone(rule, subject, places) {
            Ok(telephone) => Line::Ready(telephone),
            Err((reason, remedy)) => Line::Lacking { reason, remedy },
        }
    }

    fn telephone(
        &self,
        rule: &str,
        subject: &Subject<'_>,
        places: &[Place],
    ) -> Result<Telephone, (String, String)> {
        let value = |text: &Option<Text>| {
            let value = text.as_ref().map(|text| text.of(subject).trim().to_owned());
            value.filter(|value| !value.is_empty())
        };
        let place = match (&self.location, value(&self.location_from)) {
            (Some(name), _) => Some(self.place.clone().ok_or_else(|| {
                (format!("there is no location \"{name}\""), format!("correct `location` in \"{rule}\""))
            })?),
            (None, Some(name)) => Some(find(&name, places).cloned().ok_or_else(|| {
                let remedy =
                    "correct the record, or `location_from` of the rule; locations are compared by name";
                (format!("there is no location \"{name}\""), remedy.to_owned())
            })?),
            (None, None) => None,
        };
        let phone = match value(&self.phone) {
            Some(written) => Some(number(&written).ok_or_else(|| {
                let remedy = "write it with country code, such as +4930123456, or cut it in `phone`";
                (format!("\"{written}\" is no telephone number"), remedy.to_owned())
            })?),
            None => None,
        };
        let extension = match value(&self.extension) {
            Some(written) if is_extension(&written) => Some(written),
            Some(written) => {
                let remedy = "an extension has 2 to 10 digits: correct the record, or cut it in `extension`";
                return Err((format!("\"{written}\" is no extension"), remedy.to_owned()));
            }
            None => None,
        };
        let pool = self.pool.filter(|_| extension.is_none() && phone.is_none());
        if phone.is_none() && extension.is_none() && pool.is_none() {
            let (reason, remedy) = if self.phone.is_some() || self.extension.is_some() {
                (
                    "the record has neither number nor extension",
                    "enter one in the directory, or add `extension_pool` to",
                )
            } else {
                (
                    "the rule says neither number nor extension",
                    "add `phone`, `extension` or `extension_pool` to",
                )
            };
            return Err((reason.to_owned(), format!("{remedy} \"{rule}\"")));
        }
        if phone.is_none() && place.is_none() {
            let remedy = format!("add `location` or `location_from` to \"{rule}\", or fill the record");
            return Err(("an extension needs a location".to_owned(), remedy));
        }
        Ok(Telephone { place, phone, extension, pool })
    }
}

impl LineRule {
    /// What somebody claims by what is written, without asking whether there is such a place: its
    /// name in lower case with an extension, and nothing with a number.
    fn claims(&self, subject: &Subject<'_>) -> Vec<(String, String)> {
        let value = |text: &Option<Text>| text.as_ref().map(|text| text.of(subject).trim().to_owned());
        let place = self.location.clone().or_else(|| value(&self.location_from)).unwrap_or_default();
        let extension = value(&self.extension).filter(|written| is_extension(written));
        let extension = extension.filter(|_| !place.is_empty());
        let phone = value(&self.phone).and_then(|written| number(&written));
        let phone = phone.map(|number| (String::new(), number));
        extension.map(|extension| (place.to_lowercase(), extension)).into_iter().chain(phone).collect()
    }
}

impl Rules {
    /// The numbers and extensions that somebody would claim with a calling licence, each with the name
    /// of the place in lower case; a number is one everywhere.
    pub fn claimed_lines(&self, record: &Record, groups: &GroupSet) -> Vec<(String, String)> {
        let subject = Subject::new(record, groups);
        let giver = self.award(&subject).0.calling().map(|(_, giver)| giver.at);
        let rule = giver.and_then(|at| self.entitlements.get(at));
        rule.map(|rule| rule.line().claims(&subject)).unwrap_or_default()
    }
}

/// The attributes that numbers, extensions and alternate addresses come from.
pub fn own_attributes(spec: &Spec) -> Vec<String> {
    let texts = spec.entitlements.iter().flat_map(|rule| [&rule.calling.phone, &rule.calling.extension]);
    let aliases = ADDRESSES.iter().filter_map(|field| spec.mapping.get(field));
    let mut all: Vec<String> = texts.flatten().chain(aliases).flat_map(|text| inputs(text)).collect();
    all.sort();
    all.dedup();
    all
}

fn find<'p>(wanted: &str, places: &'p [Place]) -> Option<&'p Place> {
    let wanted = wanted.trim();
    places
        .iter()
        .find(|place| place.id == wanted || place.name == wanted)
        .or_else(|| places.iter().find(|place| same(&place.name, wanted)))
}

/// A number in the form of E.164: a plus sign and 7 to 15 digits. What people write between
/// the digits is left out.
fn number(written: &str) -> Option<String> {
    let bare: String =
        written.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}')).collect();
    let digits = bare.strip_prefix('+')?;
    let good = (7..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0');
    good.then_some(bare)
}

fn is_extension(text: &str) -> bool {
    DIGITS.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// The first and the last extension of a pool; or what is wrong with it, and what to do.
fn pool(written: &str) -> Result<(u32, u32), (&'static str, &'static str)> {
    let shape = "write the first and the last one, of equally many digits, such as \"2000-2999\"";
    let (first, last) = written.split_once('-').ok_or(("it is not of the form FIRST-LAST", shape))?;
    let (first, last) = (first.trim(), last.trim());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(first) || !is_number(last) {
        return Err(("an extension is made of digits", shape));
    }
    if first.len() != last.len() {
        return Err(("the first and the last one have not equally many digits", shape));
    }
    if !is_extension(first) {
        return Err(("an extension has 2 to 10 digits", "write it with as many digits as are dialled"));
    }
    // With a zero in front the number would lose a digit.
    if first.starts_with('0') {
        let remedy = "begin the pool at an extension that begins with another digit; to give one with a leading zero, \
                      use `extension` with an expression";
        return Err(("extensions of a pool do not begin with a zero", remedy));
    }
    let number = |text: &str| {
        text.parse::<u32>().map_err(|_| ("the numbers are too large", "write extensions up to 4294967295"))
    };
    let (first, last) = (number(first)?, number(last)?);
    match last.checked_sub(first) {
        None => Err(("the last one comes before the first", "write the smaller one first")),
        Some(more) if more >= LARGEST_POOL => {
            Err(("the pool is too large", "write a smaller range; several rules can have pools of their own"))
        }
        Some(_) => Ok((first, last)),
    }
}

impl Rules {
    /// Whether the locations of the organization must be known: see [`Rules::locate`].
    pub fn needs_places(&self) -> bool {
        self.entitlements.iter().any(|rule| rule.line().is_said())
    }

    /// The pools from which rules give extensions, first and last.
    pub fn pools(&self) -> Vec<(u32, u32)> {
        self.entitlements.iter().filter_map(|rule| rule.line().pool).collect()
    }

    /// Resolves the names of locations against those of the organization. What cannot be resolved
    /// is returned; whoever would get a calling licence there gets none.
    pub fn locate(mut self, places: Vec<Place>) -> (Self, Vec<Unbound>) {
        let mut unbound = Vec::new();
        if !self.needs_places() {
            return (self, unbound);
        }
        let mut h = Hasher::seeded(self.fingerprint);
        for rule in &mut self.entitlements {
            rule.locate(&places, &mut unbound);
            h.part(rule.line().place().map_or("", |place| &place.id).as_bytes());
        }
        for place in &places {
            h.part(place.id.as_bytes());
            h.part(place.name.as_bytes());
        }
        self.places = places;
        self.fingerprint = h.finish();
        (self, unbound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::person;

    #[test]
    fn numbers_in_all_their_spellings() {
        for (written, want) in [
            ("+49 (30) 1234-56", Some("+4930123456")),
            ("+1.555.0100", Some("+15550100")),
            ("030 123456", None),
            ("+49 30 12 ext 5", None),
            ("+0123456789", None),
            ("+49", None),
        ] {
            assert_eq!(number(written).as_deref(), want, "{written}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let places = [
            Place { id: "L1".into(), name: "Head Office".into() },
            Place { id: "L2".into(), name: "Ghent".into() },
        ];
        let text = |text: &str| Some(text.to_owned());
        let none = CallingSpec::default;
        for (spec, want) in [
            (
                CallingSpec { location: text("head office"), extension: text("ext"), ..none() },
                "extension 2110 at Head Office",
            ),
            (
                CallingSpec { location: text("L2"), extension: text("ext"), ..none() },
                "extension 2110 at Ghent",
            ),
            (
                CallingSpec { location_from: text("l"), extension: text("ext"), ..none() },
                "extension 2110 at Ghent",
            ),
            (CallingSpec { phone: text("telephoneNumber"), ..none() }, "number +4930123456"),
            (CallingSpec { location: text("L2"), extension_pool: text("20-29"), ..none() }, " at Ghent"),
            (
                CallingSpec { location: text("L2"), extension: text("nothing"), ..none() },
                "the record has neither number nor extension",
            ),
            (CallingSpec { location: text("L2"), ..none() }, "the rule says neither number nor extension"),
            (none(), "the rule says neither number nor extension"),
            (CallingSpec { extension: text("ext"), ..none() }, "an extension needs a location"),
            (
                CallingSpec { location_from: text("title"), extension: text("ext"), ..none() },
                "there is no location \"Clerk\"",
            ),
            (
                CallingSpec { location: text("Paris"), extension: text("ext"), ..none() },
                "there is no location \"Paris\"",
            ),
            (CallingSpec { phone: text("ext"), ..none() }, "\"2110\" is no telephone number"),
            (
                CallingSpec { location: text("L2"), extension: text("title"), ..none() },
                "\"Clerk\" is no extension",
            ),
        ] {
            let mut errors = Vec::new();
            let mut rule = LineRule::compile("entitlement[0]", &spec, &mut Needs::default(), &mut errors);
            assert_eq!(errors, []);
            rule.bind("rule", &places, &mut Vec::new());
            let record = person(&[
                ("ext", "2110"),
                ("l", "ghent"),
                ("title", "Clerk"),
                ("telephoneNumber", "+49 30 123456"),
            ]);
            let groups = GroupSet::new();
            let got = match rule.of("rule", &Subject::new(&record, &groups), &places) {
                Line::Ready(telephone) => telephone.words(),
                Line::Lacking { reason, .. } => reason,
            };
            assert_eq!(got, want, "{spec:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_pool_is_said() {
        for (written, want) in [
            ("2000-2999", Ok((2000, 2999))),
            (" 20 - 20 ", Ok((20, 20))),
            ("2000", Err("it is not of the form FIRST-LAST")),
            ("20a-29", Err("an extension is made of digits")),
            ("20-", Err("an extension is made of digits")),
            ("20-299", Err("the first and the last one have not equally many digits")),
            ("1-5", Err("an extension has 2 to 10 digits")),
            ("0100-0102", Err("extensions of a pool do not begin with a zero")),
            ("29-20", Err("the last one comes before the first")),
            ("1000000-9000000", Err("the pool is too large")),
            ("9000000000-9000000001", Err("the numbers are too large")),
        ] {
            assert_eq!(pool(written).map_err(|(why, _)| why), want, "{written}");
        }
    }
}
