//! One person, as typed: `plan --only` and `sync --only`.

use std::collections::BTreeSet;

use crate::clock;
use crate::pass::{Alone, Heard, since};
use crate::rules::address_attributes;
use crate::store::Reader;

use super::assemble::Parts;
use super::exit::{Exit, Failure};

/// What a look about one person needs, with whoever claims the same address.
///
/// # Errors
///
/// When nobody is meant, or several are, or the state cannot be read.
pub async fn only(parts: &Parts, reader: &Reader, text: &str) -> Result<Box<Heard>, Failure> {
    let addresses = address_attributes(&parts.config.rules);
    let rules = since(parts.rules.clone(), &reader.meta()?);
    let mut alone = Alone::new(&parts.sources, reader, &rules, &addresses);
    let meant = alone.find(text).await?;
    match meant.anchors().as_slice() {
        [] if !alone.gaps.is_empty() => Err(Failure::new(
            Exit::Source,
            format!(
                "nobody was found as \"{text}\", and the directory was not read completely: {}",
                alone.gaps[0]
            ),
            "settle that first",
        )),
        [] => Err(Failure::usage(
            format!("nobody is known as \"{text}\""),
            format!("`dirsyncd explain \"{text}\"` says where was looked"),
        )),
        [anchor] => {
            let now = clock::now().timestamp();
            Ok(Box::new(alone.heard(BTreeSet::from([*anchor]), meant, now).await?))
        }
        several => Err(Failure::usage(
            format!("\"{text}\" can mean {} people", several.len()),
            format!("`dirsyncd explain \"{text}\"` lists them; name one by DN or anchor"),
        )),
    }
}
