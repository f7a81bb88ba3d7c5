//! Where a PATCH operation aims, and what is said when it cannot aim there.

use super::errors::Refusal;
use super::scim_filter::Filter;

/// `attribute`, `attribute.part`, `attribute[filter]`, `attribute[filter].part`.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) attribute: String,
    pub(super) filter: Option<Filter>,
    pub(super) part: Option<String>,
}

impl Target {
    /// Parses a path without its URN.
    pub(super) fn parse(path: &str) -> Result<Self, Refusal> {
        let word = |text: &str| {
            !text.is_empty()
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '$' | '-' | '_'))
        };
        let (head, filter, tail) = match path.split_once('[') {
            Some((head, rest)) => {
                let (filter, tail) = rest.rsplit_once(']').ok_or_else(invalid_path)?;
                (
                    head,
                    Some(Filter::parse(filter)?),
                    tail.strip_prefix('.').or_else(|| tail.is_empty().then_some("")),
                )
            }
            None => match path.split_once('.') {
                Some((head, tail)) => (head, None, Some(tail).filter(|tail| !tail.is_empty())),
                None => (path, None, Some("")),
            },
        };
        let tail = tail.ok_or_else(invalid_path)?;
        if !word(head) || !(tail.is_empty() || word(tail)) {
            return Err(invalid_path());
        }
        Ok(Self { attribute: head.to_owned(), filter, part: (!tail.is_empty()).then(|| tail.to_owned()) })
    }
}

/// 400 `invalidPath`.
pub(super) fn invalid_path() -> Refusal {
    let mut refusal = Refusal::bad("The path of an operation cannot be read.").code(100_102);
    refusal.scim_type = Some("invalidPath");
    refusal
}

/// 400 `invalidValue`.
pub(super) fn invalid_value(message: &str) -> Refusal {
    let mut refusal = Refusal::bad(message).code(100_105);
    refusal.scim_type = Some("invalidValue");
    refusal
}
