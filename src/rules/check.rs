//! Values that the cloud would refuse are found here, before they cost a request, and named
//! with what to do. Lengths are those of [`Field::max_len`].

use crate::model::{CALLING_BEHAVIORS, Email, Field};

use super::address::{fault, is_invisible};
use super::expr::is_language_tag;

/// Why a value cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    /// The stable word for [`Withheld`](crate::model::Withheld).
    pub(super) code: &'static str,
    /// What is wrong, to follow "the value …".
    pub(super) what: String,
    /// What to do.
    pub(super) remedy: &'static str,
}

/// Whether the cloud would take this value, which is trimmed and not blank.
pub(super) fn check(field: Field, value: &str) -> Result<(), Unusable> {
    // Bytes are never fewer than characters, so most values need no counting.
    let max = field.max_len();
    if value.len() > max && value.chars().nth(max).is_some() {
        return Err(Unusable {
            code: "too_long",
            what: format!("is longer than the {max} characters that the cloud takes"),
            remedy: "shorten it in the directory, or cut it with `substring(…, 0, length)`",
        });
    }
    // Two marks of Unicode break lines without being control characters.
    if value.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(unusable(
            "contains a line break, tab or other control character",
            "correct it in the directory, or clean it with `one_line(…)`",
        ));
    }
    match field {
        Field::PhoneWork
        | Field::PhoneMobile
        | Field::PhoneFax
        | Field::PhoneAlternate1
        | Field::PhoneAlternate2
            if !value.contains(is_digit) =>
        {
            Err(unusable(
                "is no phone number: it contains no digit",
                "correct it in the directory, or map only what is a number",
            ))
        }
        Field::EmailHome
        | Field::EmailAlias1
        | Field::EmailAlias2
        | Field::EmailAlias3
        | Field::EmailAlias4
            if value.parse::<Email>().is_err() =>
        {
            Err(unusable(
                "is no e-mail address of the form name@domain.tld",
                "correct it in the directory, or map only what is an address, as with `pick(…)`",
            ))
        }
        Field::EmailHome
        | Field::EmailAlias1
        | Field::EmailAlias2
        | Field::EmailAlias3
        | Field::EmailAlias4 => match value.parse::<Email>().ok().as_ref().and_then(fault) {
            Some(fault) => Err(Unusable {
                code: "unusable",
                what: format!("is an e-mail address that cannot be used: {fault}"),
                remedy: "correct it in the directory, or map only what is an address, as with `pick(…)`",
            }),
            None => Ok(()),
        },
        Field::SipAddress if !is_sip(value) => Err(unusable(
            "is no SIP address: it has blanks, brackets or invisible characters, or nothing on one side of one @",
            "correct it in the directory, or map only the address, as with `strip(…, \"sip:\")`",
        )),
        Field::JabberTeams | Field::JabberCalling if !matches!(value, "true" | "false") => Err(unusable(
            "is neither true nor false",
            "write `if(condition, \"true\", \"false\")`, or put `lower(…)` around the attribute",
        )),
        Field::PreferredLanguage | Field::Locale if !is_language_tag(value) => Err(unusable(
            "is no language of the form en_US",
            "put `language(…)` around the attribute, or use `default(language(…), \"en_US\")`",
        )),
        Field::Timezone if !is_timezone(value) => Err(unusable(
            "is no IANA time zone such as Europe/Berlin",
            "map an attribute that holds IANA names, or choose one with `if(…)`",
        )),
        Field::ProfileUrl | Field::PhotoUrl | Field::ThumbnailUrl | Field::ResizableUrl if !is_url(value) => {
            Err(unusable(
                "is no address that begins with https:// or http://",
                "correct it in the directory, or put it together with `join(\"\", \"https://…\", …)`",
            ))
        }
        Field::Country | Field::HomeCountry | Field::OtherCountry
            if value.len() != 2 || !value.bytes().all(|b| b.is_ascii_uppercase()) =>
        {
            Err(unusable(
                "is no country code of two capital letters (ISO 3166-1)",
                "put `country(…)` around an attribute that holds the name, the code or the number of a country",
            ))
        }
        Field::CallingBehavior if !CALLING_BEHAVIORS.contains(&value) => Err(unusable(
            "is no calling behaviour: webex, webex_calling, unified_cm, jabber or third_party",
            "write one of them, as in `if(in_group(\"…\"), \"unified_cm\", \"\")`; blank is the default of the organization",
        )),
        Field::Certificate1 | Field::Certificate2 | Field::Certificate3 if !is_certificate(value) => {
            Err(unusable(
                "is no certificate: DER in base64 begins with MII",
                "map `userCertificate`, or an attribute that holds the certificate without its PEM lines",
            ))
        }
        _ => Ok(()),
    }
}

fn unusable(what: &str, remedy: &'static str) -> Unusable {
    Unusable { code: "unusable", what: what.into(), remedy }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// The form of an IANA name: `Area/Place`, or the few without an area. The list itself
/// changes several times a year and is left to the cloud.
fn is_timezone(value: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'))
    };
    matches!(value, "UTC" | "GMT") || (value.contains('/') && value.split('/').all(part))
}

/// The characters and the one `@` of `user@host` (RFC 3261, 25.1); a number alone is dialled within.
fn is_sip(value: &str) -> bool {
    let bad = |c: char| c.is_whitespace() || is_invisible(c) || "<>\"\\^`{|}".contains(c);
    !value.contains(bad)
        && value
            .split_once('@')
            .is_none_or(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// Base64 of a DER sequence that is longer than 255 bytes, as every certificate is.
fn is_certificate(value: &str) -> bool {
    value.starts_with("MII")
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
}

/// RFC 7643 wants a URI; the cloud shows it as a link to a page.
fn is_url(value: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let begin = value.get(..scheme.len())?;
        begin.eq_ignore_ascii_case(scheme).then(|| &value[scheme.len()..])
    });
    // Characters that no URI has as they are (RFC 3986, 2).
    let bad = |c: char| c.is_whitespace() || is_invisible(c) || "<>\"\\^`{|}".contains(c);
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':', '@', '.']))
        && !value.contains(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cloud_takes_passes() {
        for (field, value) in [
            (Field::Title, "Head of \"Things\" & more"),
            (Field::PhoneWork, "+49 (30) 123-45"),
            (Field::PhoneMobile, "ext. 4"),
            (Field::PreferredLanguage, "de_CH"),
            (Field::Timezone, "America/Argentina/Buenos_Aires"),
            (Field::Timezone, "Etc/GMT+5"),
            (Field::Timezone, "UTC"),
            (Field::ProfileUrl, "HTTPS://people.example.com/ann?x=1"),
            (Field::Country, "DE"),
            (Field::SipAddress, "ann@example.com"),
            (Field::SipAddress, "4711"),
            (Field::SipAddress, "ann@example.com:5061;transport=tls"),
            (Field::EmailAlias1, "ann.lee@example.com"),
            (Field::EmailAlias2, "ann@bücher.example"),
            (Field::JabberTeams, "true"),
            (Field::Locale, "en_GB"),
            (Field::Certificate1, "MIIBAgMEBQ=="),
            (Field::CallingBehavior, "unified_cm"),
            (Field::ImXmpp, "ann@chat.example.com/desk"),
            (Field::PhotoUrl, "https://people.example.com/ann.jpg"),
        ] {
            assert_eq!(check(field, value), Ok(()), "{field} {value}");
        }
    }

    #[test]
    fn what_the_cloud_would_refuse_is_named() {
        for (field, value, code) in [
            (Field::Title, "a\nb", "unusable"),
            (Field::Title, "a\u{7f}", "unusable"),
            (Field::PhoneWork, "none", "unusable"),
            (Field::PhoneFax, "+", "unusable"),
            (Field::PreferredLanguage, "en-US", "unusable"),
            (Field::Timezone, "W. Europe Standard Time", "unusable"),
            (Field::Timezone, "CET ", "unusable"),
            (Field::Timezone, "/Berlin", "unusable"),
            (Field::ProfileUrl, "people.example.com", "unusable"),
            (Field::ProfileUrl, "https://", "unusable"),
            (Field::ProfileUrl, "javascript:alert(1)", "unusable"),
            (Field::ProfileUrl, "https://a b", "unusable"),
            (Field::ProfileUrl, "https://:443/x", "unusable"),
            (Field::ProfileUrl, "https://a/<b>", "unusable"),
            (Field::PhotoUrl, "https://a/\u{200b}b", "unusable"),
            (Field::SipAddress, "ann lee@example.com", "unusable"),
            (Field::SipAddress, "<ann@example.com>", "unusable"),
            (Field::SipAddress, "@example.com", "unusable"),
            (Field::SipAddress, "ann@", "unusable"),
            (Field::SipAddress, "ann@a@b", "unusable"),
            (Field::EmailAlias1, "ann@192.0.2.1", "unusable"),
            (Field::EmailAlias2, "ann@xn--a.example", "unusable"),
            (Field::EmailHome, "a\u{200b}nn@example.com", "unusable"),
            (Field::DisplayName, "a\u{2028}b", "unusable"),
            (Field::Street, "a\u{2029}b", "unusable"),
            (Field::Country, "Germany", "unusable"),
            (Field::Country, "276", "unusable"),
            (Field::Country, "de", "unusable"),
            (Field::HomeCountry, "United Kingdom", "unusable"),
            (Field::EmailHome, "ann at home", "unusable"),
            (Field::EmailAlias4, "x400:c=us", "unusable"),
            (Field::JabberTeams, "TRUE", "unusable"),
            (Field::JabberCalling, "1", "unusable"),
            (Field::Locale, "en-GB", "unusable"),
            (Field::ThumbnailUrl, "photo.jpg", "unusable"),
            (Field::PhoneAlternate2, "none", "unusable"),
            (Field::ResizableUrl, "photo.svg", "unusable"),
            (Field::CallingBehavior, "Jabber", "unusable"),
            (Field::OtherCountry, "Germany", "unusable"),
            (Field::Certificate1, "-----BEGIN CERTIFICATE----- MIIB", "unusable"),
            (Field::Certificate2, "MIIB Aw==", "unusable"),
            (Field::Certificate3, "0042", "unusable"),
        ] {
            assert_eq!(check(field, value).unwrap_err().code, code, "{field} {value}");
        }
    }

    #[test]
    fn lengths_count_characters() {
        for field in Field::ALL {
            let full = "ä".repeat(field.max_len());
            let long = format!("{full}ä");
            assert_ne!(check(*field, &full).err().map(|e| e.code), Some("too_long"), "{field}");
            assert_eq!(check(*field, &long).err().map(|e| e.code), Some("too_long"), "{field}");
        }
    }
}
