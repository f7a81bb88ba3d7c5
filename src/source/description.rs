//! Attribute descriptions (RFC 4512, 2.5): a name, and options behind semicolons.
//!
//! Options such as `;lang-de` or `;binary` are dropped: the values belong to the attribute
//! all the same. Only `;range=` says something about the values that one has to know.

/// What the options of a description say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Options {
    /// There were none.
    None,
    /// Some, that do not matter.
    Tags,
    /// The values are a part of the list; the next missing one has this index.
    Part(u64),
    /// The values are the last part of the list.
    LastPart,
}

/// Folds a description to the plain name in lower case, and tells what the options said.
pub(super) fn fold(description: &mut String) -> Options {
    description.make_ascii_lowercase();
    let Some(end) = description.find(';') else { return Options::None };
    let options = description[end..].split(';').find_map(range).unwrap_or(Options::Tags);
    description.truncate(end);
    options
}

/// `range=0-1499` or `range=1500-*` ([MS-ADTS] 3.1.1.3.1.3.3).
fn range(option: &str) -> Option<Options> {
    let (_, last) = option.strip_prefix("range=")?.split_once('-')?;
    if last == "*" {
        return Some(Options::LastPart);
    }
    Some(Options::Part(last.parse::<u64>().ok()?.checked_add(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        for (description, name, options) in [
            ("sAMAccountName", "samaccountname", Options::None),
            ("cn;lang-DE", "cn", Options::Tags),
            ("member;range=0-1499", "member", Options::Part(1500)),
            ("member;binary;Range=1500-*", "member", Options::LastPart),
            ("member;range=0-18446744073709551615", "member", Options::Tags),
            ("member;range=x", "member", Options::Tags),
            (";", "", Options::Tags),
        ] {
            let mut text = description.to_owned();
            assert_eq!((fold(&mut text), text.as_str()), (options, name), "{description}");
        }
    }
}
