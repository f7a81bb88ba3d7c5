//! Public ids and raw ids, and how new ones come about.
//!
//! The public id of Webex is the unpadded base64 form of `ciscospark://us/<TYPE>/<value>`. People
//! have the same UUID in both of its interfaces. New ids are drawn from the seed and the name of
//! the object, so that two rehearsals in a different order end with equal contents.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// The public id of an object.
pub(super) fn public(kind: &str, value: &str) -> String {
    STANDARD_NO_PAD.encode(format!("ciscospark://us/{kind}/{value}"))
}

/// The value inside a public id of this kind; any region is accepted.
pub(super) fn value_of(kind: &str, id: &str) -> Option<String> {
    let id = id.trim_end_matches('=');
    let bytes = STANDARD_NO_PAD.decode(id).or_else(|_| URL_SAFE_NO_PAD.decode(id)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let rest = text.strip_prefix("ciscospark://")?;
    let (_region, rest) = rest.split_once('/')?;
    let (found, value) = rest.split_once('/')?;
    (found == kind && !value.is_empty()).then(|| value.to_owned())
}

/// The public id of a person.
pub(super) fn person(id: Uuid) -> String {
    public("PEOPLE", id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()))
}

/// A person's UUID, from the public or the raw form.
pub(super) fn person_from(id: &str) -> Option<Uuid> {
    raw(id).or_else(|| raw(&value_of("PEOPLE", id)?))
}

/// A UUID in the hyphenated form, and no other.
pub(super) fn raw(id: &str) -> Option<Uuid> {
    (id.len() == 36).then(|| Uuid::try_parse(id).ok()).flatten()
}

/// The public id of a role.
pub(super) fn role(name: &str) -> String {
    public("ROLE", name)
}

/// An id that follows from the seed, the kind and the name of an object.
pub(super) fn drawn(seed: u64, kind: &str, name: &str, attempt: u32) -> Uuid {
    let mut bytes = Vec::with_capacity(kind.len() + name.len() + 8);
    bytes.extend_from_slice(kind.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&attempt.to_le_bytes());
    let drawn = xxh3_128_with_seed(&bytes, seed);
    uuid::Builder::from_random_bytes(drawn.to_be_bytes()).into_uuid()
}

/// One step of a repeatable sequence of random numbers (SplitMix64).
pub(super) fn scramble(seed: u64, step: u64) -> u64 {
    let mut z = seed.wrapping_add(step.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_ids_follow_the_published_scheme() {
        let ada = Uuid::try_parse("aa000001-1111-4111-8111-000000000001").unwrap();
        let public_id = "Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYTAwMDAwMS0xMTExLTQxMTEtODExMS0wMDAwMDAwMDAwMDE";
        assert_eq!(person(ada), public_id);
        assert_eq!(person_from(public_id), Some(ada));
        assert_eq!(person_from("aa000001-1111-4111-8111-000000000001"), Some(ada));
        assert_eq!(role("id_full_admin"), "Y2lzY29zcGFyazovL3VzL1JPTEUvaWRfZnVsbF9hZG1pbg");
    }

    #[test]
    fn ids_of_another_kind_are_not_taken() {
        for wrong in ["", "x", "Y2lzY29zcGFyazovL3VzL1JPTEUvaWRfZnVsbF9hZG1pbg", "aa000001"] {
            assert_eq!(person_from(wrong), None, "{wrong}");
        }
        assert_eq!(
            value_of("TEAM", &STANDARD_NO_PAD.encode("ciscospark://urn:TEAM:us-west-2_r/TEAM/x")).as_deref(),
            Some("x")
        );
    }

    #[test]
    fn drawn_ids_are_repeatable_and_distinct() {
        assert_eq!(drawn(7, "p", "a", 0), drawn(7, "p", "a", 0));
        assert_ne!(drawn(7, "p", "a", 0), drawn(7, "p", "a", 1));
        assert_ne!(drawn(7, "p", "a", 0), drawn(8, "p", "a", 0));
        assert_eq!(drawn(7, "p", "a", 0).get_version_num(), 4);
    }
}
