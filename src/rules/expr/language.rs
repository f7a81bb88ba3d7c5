//! Language tags as directories hold them (`en-US,en;q=0.8`, `de`, `zh-Hant-TW`) in the form
//! that the cloud accepts: `ll_CC`.

/// The country where a language is usually meant when none is given.
const USUAL: &[(&str, &str)] = &[
    ("ar", "SA"),
    ("bg", "BG"),
    ("ca", "ES"),
    ("cs", "CZ"),
    ("da", "DK"),
    ("de", "DE"),
    ("el", "GR"),
    ("en", "US"),
    ("es", "ES"),
    ("et", "EE"),
    ("fi", "FI"),
    ("fr", "FR"),
    ("he", "IL"),
    ("hi", "IN"),
    ("hr", "HR"),
    ("hu", "HU"),
    ("id", "ID"),
    ("it", "IT"),
    ("ja", "JP"),
    ("ko", "KR"),
    ("lt", "LT"),
    ("lv", "LV"),
    ("nb", "NO"),
    ("nl", "NL"),
    ("nn", "NO"),
    ("no", "NO"),
    ("pl", "PL"),
    ("pt", "PT"),
    ("ro", "RO"),
    ("ru", "RU"),
    ("sk", "SK"),
    ("sl", "SI"),
    ("sr", "RS"),
    ("sv", "SE"),
    ("th", "TH"),
    ("tr", "TR"),
    ("uk", "UA"),
    ("vi", "VN"),
    ("zh", "CN"),
];

/// The first language named in the text, as `ll_CC`; `None` when there is none.
///
/// `preferredLanguage` holds what an `Accept-Language` header may hold (RFC 2798, 2.7): tags
/// in order of preference, with weights. Weights are not weighed: the first tag counts.
pub(super) fn tag(text: &str) -> Option<String> {
    let first = text.split([',', ';']).next()?.trim();
    let mut parts = first.split(['-', '_', '.']);
    let language = parts.next().filter(|part| letters(part, 2..=3))?.to_ascii_lowercase();
    let mut script = None;
    for part in parts {
        if letters(part, 2..=2) {
            return Some(format!("{language}_{}", part.to_ascii_uppercase()));
        }
        if !letters(part, 4..=4) {
            break;
        }
        script = Some(part);
    }
    if language == "zh" && script.is_some_and(|script| script.eq_ignore_ascii_case("hant")) {
        return Some("zh_TW".into());
    }
    let (_, country) = USUAL.iter().find(|(usual, _)| *usual == language)?;
    Some(format!("{language}_{country}"))
}

/// Whether a text already has the form `ll_CC`.
pub(in crate::rules) fn is_tag(text: &str) -> bool {
    text.split_once('_').is_some_and(|(language, country)| {
        letters(language, 2..=3)
            && language.bytes().all(|b| b.is_ascii_lowercase())
            && letters(country, 2..=2)
            && country.bytes().all(|b| b.is_ascii_uppercase())
    })
}

fn letters(text: &str, count: std::ops::RangeInclusive<usize>) -> bool {
    count.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_directories_become_tags_of_the_cloud() {
        for (text, want) in [
            ("en-US", Some("en_US")),
            ("en_gb", Some("en_GB")),
            ("de", Some("de_DE")),
            ("FR-ca", Some("fr_CA")),
            ("en-US,en;q=0.8", Some("en_US")),
            ("de;q=0.9, en", Some("de_DE")),
            ("zh-Hant", Some("zh_TW")),
            ("zh-Hans-CN", Some("zh_CN")),
            ("pt_BR.UTF-8", Some("pt_BR")),
            ("German", None),
            ("xx", None),
            ("*", None),
            ("", None),
            ("ü-DE", None),
        ] {
            assert_eq!(tag(text).as_deref(), want, "{text}");
            if let Some(want) = want {
                assert!(is_tag(want));
            }
        }
        for bad in ["en-US", "en_us", "EN_US", "en", "german_DE", "en_US_x", "en_"] {
            assert!(!is_tag(bad), "{bad}");
        }
    }
}
