//! Telephone numbers as people write them, in the form that all networks understand: E.164.
//!
//! A table of countries with their code and the prefixes that are dialled inside them, and no more.
//! Whether a number is in use, or whether it has the right length for its area, is not judged: the full
//! metadata of numbering plans changes every few weeks and is larger than this program's rules.

/// How a country dials.
struct Plan {
    country: &'static str,
    code: &'static str,
    /// What is dialled before a national number, and not with the country code.
    trunk: Trunk,
    /// What is dialled before a country code, besides `+`.
    abroad: &'static str,
}

/// The prefix of national numbers.
enum Trunk {
    /// National numbers are dialled as they are.
    None,
    /// A number without it is not a national one: it lacks the area.
    Needed(&'static str),
    /// North America: `1`, or nothing, before ten digits.
    American,
}

const fn none(country: &'static str, code: &'static str) -> Plan {
    Plan { country, code, trunk: Trunk::None, abroad: "00" }
}

const fn zero(country: &'static str, code: &'static str) -> Plan {
    Plan { country, code, trunk: Trunk::Needed("0"), abroad: "00" }
}

const fn other(country: &'static str, code: &'static str, trunk: Trunk, abroad: &'static str) -> Plan {
    Plan { country, code, trunk, abroad }
}

const PLANS: &[Plan] = &[
    zero("AE", "971"),
    zero("AL", "355"),
    zero("AT", "43"),
    other("AU", "61", Trunk::Needed("0"), "0011"),
    zero("BA", "387"),
    zero("BD", "880"),
    zero("BE", "32"),
    zero("BG", "359"),
    other("CA", "1", Trunk::American, "011"),
    zero("CH", "41"),
    none("CL", "56"),
    zero("CN", "86"),
    none("CO", "57"),
    none("CY", "357"),
    none("CZ", "420"),
    zero("DE", "49"),
    none("DK", "45"),
    none("EE", "372"),
    zero("EG", "20"),
    none("ES", "34"),
    zero("FI", "358"),
    zero("FR", "33"),
    zero("GB", "44"),
    none("GR", "30"),
    other("HK", "852", Trunk::None, "001"),
    zero("HR", "385"),
    other("HU", "36", Trunk::Needed("06"), "00"),
    zero("IE", "353"),
    zero("IL", "972"),
    zero("IN", "91"),
    none("IS", "354"),
    none("IT", "39"),
    other("JP", "81", Trunk::Needed("0"), "010"),
    zero("KE", "254"),
    none("KW", "965"),
    none("LI", "423"),
    zero("LK", "94"),
    zero("LT", "370"),
    none("LU", "352"),
    none("LV", "371"),
    zero("MA", "212"),
    zero("ME", "382"),
    zero("MK", "389"),
    none("MT", "356"),
    none("MX", "52"),
    zero("MY", "60"),
    zero("NG", "234"),
    zero("NL", "31"),
    none("NO", "47"),
    zero("NZ", "64"),
    zero("PE", "51"),
    zero("PH", "63"),
    zero("PK", "92"),
    none("PL", "48"),
    none("PT", "351"),
    none("QA", "974"),
    zero("RO", "40"),
    zero("RS", "381"),
    other("RU", "7", Trunk::Needed("8"), "810"),
    zero("SA", "966"),
    zero("SE", "46"),
    none("SG", "65"),
    zero("SI", "386"),
    zero("SK", "421"),
    zero("TH", "66"),
    none("TN", "216"),
    zero("TR", "90"),
    zero("TW", "886"),
    zero("UA", "380"),
    other("US", "1", Trunk::American, "011"),
    zero("VN", "84"),
    zero("ZA", "27"),
];

/// The countries whose dialling is known.
pub(super) fn countries() -> impl Iterator<Item = &'static str> {
    PLANS.iter().map(|plan| plan.country)
}

/// The number in E.164; `None` when the text is not a whole number, or not one of a country whose dialling is
/// known. `country` is where a number without a country code is dialled, as two letters.
pub(super) fn e164(text: &str, country: &str) -> Option<String> {
    let text = text.trim();
    let text = text.get(..4).filter(|begin| begin.eq_ignore_ascii_case("tel:")).map_or(text, |_| &text[4..]);
    let plan = PLANS.iter().find(|plan| plan.country.eq_ignore_ascii_case(country.trim()));
    let written = whole(text)?;
    let exit = plan.map_or("00", |plan| plan.abroad);
    // The zero in brackets is dialled inside the country only.
    let bare = written.replace("(0)", "");
    let (abroad, digits) = match bare.strip_prefix('+') {
        Some(rest) => (true, plain(rest)?),
        None => match plain(&bare)?.strip_prefix(exit) {
            Some(rest) => (true, rest.to_owned()),
            None => (false, plain(written)?),
        },
    };
    let number = if abroad {
        digits
    } else {
        let plan = plan?;
        let national = match plan.trunk {
            Trunk::None => digits.as_str(),
            Trunk::Needed(trunk) => digits.strip_prefix(trunk)?,
            Trunk::American => digits.strip_prefix('1').unwrap_or(&digits),
        };
        format!("{}{national}", plan.code)
    };
    let whole = if number.starts_with('1') { number.len() == 11 } else { (7..=15).contains(&number.len()) };
    (whole && !number.starts_with('0')).then(|| format!("+{number}"))
}

/// The text up to an extension or a second number.
fn whole(text: &str) -> Option<&str> {
    let digit = text.find(|c: char| c.is_ascii_digit())?;
    let end = text[digit..].find(|c: char| c.is_alphabetic() || matches!(c, ';' | ',' | '#'));
    let text = &text[..end.map_or(text.len(), |end| digit + end)];
    Some(text.split(" / ").next().unwrap_or(text).trim())
}

/// The digits of a text that holds nothing but digits and what people put between them.
fn plain(text: &str) -> Option<String> {
    let between = |c: char| {
        c.is_whitespace() || matches!(c, '-' | '.' | '/' | '(' | ')' | '[' | ']' | '\u{2010}'..='\u{2015}')
    };
    let plain = text.chars().all(|c| c.is_ascii_digit() || between(c));
    plain.then(|| text.chars().filter(char::is_ascii_digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them() {
        for (text, country, want) in [
            ("+49 30 1234-56", "DE", Some("+4930123456")),
            ("+49 (0)30 1234-56", "US", Some("+4930123456")),
            ("030/123456", "DE", Some("+4930123456")),
            ("(030) 12 34 56", "de", Some("+4930123456")),
            ("0049 30 123456", "DE", Some("+4930123456")),
            ("0049 (0)30 123456", "DE", Some("+4930123456")),
            ("(0)30 123456", "DE", Some("+4930123456")),
            ("tel:+4930123456", "", Some("+4930123456")),
            ("+49 30 123456 ext. 7", "DE", Some("+4930123456")),
            ("030 123456 / 0170 1234567", "DE", Some("+4930123456")),
            ("030 123456; 0170 1234567", "DE", Some("+4930123456")),
            // An area is missing, and an extension is none.
            ("123456", "DE", None),
            ("4711", "DE", None),
            ("030 123456", "XX", None),
            ("030 123456", "", None),
            ("0800 CALL NOW", "DE", None),
            ("none", "DE", None),
            ("", "DE", None),
            ("(212) 555-0100", "US", Some("+12125550100")),
            ("1-212-555-0100", "US", Some("+12125550100")),
            ("555-0100", "US", None),
            ("011 49 30 123456", "US", Some("+4930123456")),
            ("+1 212 555 01", "US", None),
            ("06 1 234 5678", "HU", Some("+3612345678")),
            ("8 495 123-45-67", "RU", Some("+74951234567")),
            ("06 1234 5678", "IT", Some("+390612345678")),
            ("22 12 34 56", "NO", Some("+4722123456")),
            ("020 7946 0018", "GB", Some("+442079460018")),
            ("+0 30 123456", "DE", None),
            ("+49 30 12*34", "DE", None),
            ("+1234567890123456", "DE", None),
            ("０３０", "DE", None),
            ("ü030", "DE", None),
        ] {
            assert_eq!(e164(text, country).as_deref(), want, "{text} in {country}");
        }
    }

    #[test]
    fn each_country_stands_once_and_in_order() {
        assert!(PLANS.windows(2).all(|pair| pair[0].country < pair[1].country));
    }
}
