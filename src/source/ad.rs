//! What Active Directory means by its numbers and names.
//!
//! Pure functions: an LDIF file exported from Active Directory carries the same attributes
//! as its LDAP answers.

/// The bit ACCOUNTDISABLE of `userAccountControl` ([MS-ADTS] 2.2.16).
const ACCOUNT_DISABLED: i64 = 0x2;

/// 100-nanosecond ticks in a second.
const TICKS: i64 = 10_000_000;

/// Seconds from 1601-01-01, where a FILETIME begins, to 1970-01-01.
const EPOCH: i64 = 11_644_473_600;

/// Whether a value of `userAccountControl` says that the account is disabled. A value that
/// is no number says nothing.
pub(super) fn is_disabled(user_account_control: &[u8]) -> bool {
    integer(user_account_control).is_some_and(|flags| flags & ACCOUNT_DISABLED != 0)
}

/// The moment in a value of `accountExpires`, in seconds since 1970-01-01 UTC. `None` for
/// never, which is written as 0 or as the greatest number ([MS-ADA1] 2.1).
pub(super) fn expires(account_expires: &[u8]) -> Option<i64> {
    match integer(account_expires)? {
        never if never <= 0 || never == i64::MAX => None,
        ticks => Some(ticks / TICKS - EPOCH),
    }
}

/// The SID of a user's primary group: the user's own SID with the last sub-authority
/// replaced by `primaryGroupID` ([MS-ADTS] 3.1.1.4.5.8). `None` when either value is malformed.
pub(super) fn primary_group_sid(user_sid: &[u8], primary_group_id: &[u8]) -> Option<Vec<u8>> {
    // Revision, count, six bytes of authority, then four bytes for each sub-authority,
    // little-endian ([MS-DTYP] 2.4.2.2).
    let subs = usize::from(*user_sid.get(1)?);
    if subs == 0 || user_sid.len() != 8 + 4 * subs {
        return None;
    }
    let rid = u32::try_from(integer(primary_group_id)?).ok()?;
    let mut sid = user_sid.to_vec();
    let last = sid.len() - 4;
    sid[last..].copy_from_slice(&rid.to_le_bytes());
    Some(sid)
}

/// Whether the DN is the name that replication gives to the loser of a naming conflict: the
/// object is a duplicate that an administrator has to remove.
pub(super) fn is_conflict(dn: &str) -> bool {
    has_mark(dn.as_bytes(), br"\0ACNF:")
}

/// Whether the DN is that of a deleted object: what is left of it for a time, so that its deletion
/// can be told to other domain controllers ([MS-ADTS] 3.1.1.5.5). It is not there any more.
pub(super) fn is_leftover(dn: &str) -> bool {
    has_mark(dn.as_bytes(), br"\0ADEL:")
}

/// As [`is_leftover`], for a DN in bytes: a value of `member` may still name such an object.
pub(super) fn names_leftover(value: &[u8]) -> bool {
    has_mark(value, br"\0ADEL:")
}

fn has_mark(dn: &[u8], mark: &[u8]) -> bool {
    dn.contains(&b'\\') && dn.windows(mark.len()).any(|part| part.eq_ignore_ascii_case(mark))
}

/// A SID as Windows writes it, such as `S-1-5-32-544` ([MS-DTYP] 2.4.2.1). `None` when the bytes
/// are none.
pub(super) fn sid_text(sid: &[u8]) -> Option<String> {
    let (head, subs) = sid.split_at_checked(8)?;
    let [revision, count, authority @ ..] = head else { return None };
    if subs.len() != 4 * usize::from(*count) {
        return None;
    }
    let authority = authority.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    // [MS-DTYP]: an authority of 2^32 or more is written in hexadecimal.
    let mut text = match u32::try_from(authority) {
        Ok(small) => format!("S-{revision}-{small}"),
        Err(_) => format!("S-{revision}-0x{authority:012X}"),
    };
    for sub in subs.chunks_exact(4) {
        let bytes = <[u8; 4]>::try_from(sub).ok()?;
        text.push_str(&format!("-{}", u32::from_le_bytes(bytes)));
    }
    Some(text)
}

fn integer(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_flags() {
        for (value, disabled) in [
            ("512", false),
            ("514", true),
            ("66050", true),
            ("546", true),
            ("-2147483646", true),
            ("?", false),
        ] {
            assert_eq!(is_disabled(value.as_bytes()), disabled, "{value}");
        }
    }

    #[test]
    fn expiry_is_a_filetime_and_has_two_words_for_never() {
        for (value, expected) in [
            ("0", None),
            ("9223372036854775807", None),
            ("nonsense", None),
            ("-1", None),
            ("116444736000000000", Some(0)),
            // 2026-01-01T00:00:00Z
            ("134116992000000000", Some(1_767_225_600)),
        ] {
            assert_eq!(expires(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn the_primary_group_is_in_the_domain_of_its_member() {
        let user = [1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0x57, 4, 0, 0];
        let group = [1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0x01, 2, 0, 0];
        assert_eq!(primary_group_sid(&user, b"513").as_deref(), Some(group.as_slice()));
        for malformed in [&user[..4], &user[..15], &[][..], &[1, 0, 0, 0, 0, 0, 0, 5][..]] {
            assert_eq!(primary_group_sid(malformed, b"513"), None);
        }
        assert_eq!(primary_group_sid(&user, b"-1"), None);
    }

    #[test]
    fn sids_are_written_as_windows_writes_them() {
        let domain = [1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        let large = [1, 1, 1, 0, 0, 0, 0, 5, 7, 0, 0, 0];
        for (sid, text) in [
            (&domain[..], Some("S-1-5-21-4294967295")),
            (&[1, 0, 0, 0, 0, 0, 0, 1], Some("S-1-1")),
            (&large, Some("S-1-0x010000000005-7")),
            (&domain[..15], None),
            (&domain[..8], None),
            (&[], None),
            (b"S-1-5-21-1", None),
        ] {
            assert_eq!(sid_text(sid).as_deref(), text, "{sid:?}");
        }
    }

    #[test]
    fn what_is_left_of_a_deleted_object_is_seen() {
        let gone = r"CN=Ann\0ADEL:6f1d3c1e-0a2b-4c3d-8e9f-001122334455,CN=Deleted Objects,DC=x";
        assert!(is_leftover(gone) && names_leftover(gone.as_bytes()));
        assert!(!is_conflict(gone));
        assert!(!is_leftover("CN=DEL:,DC=x"));
    }

    #[test]
    fn conflicts_are_seen() {
        assert!(is_conflict(r"CN=Ann\0ACNF:6f1d3c1e-0a2b-4c3d-8e9f-001122334455,DC=x"));
        assert!(!is_conflict("CN=CNF:,DC=x"));
    }
}
