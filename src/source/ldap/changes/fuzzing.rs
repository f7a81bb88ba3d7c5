//! The door for fuzzers to what Active Directory adds to its answers.

use ldap3::LdapResult;
use ldap3::controls::{Control, RawControl};

use super::controls;

/// The value at the end of a round of directory synchronization.
pub(in crate::source::ldap) fn dirsync(data: &[u8]) {
    let raw = RawControl { ctype: controls::DIRSYNC.into(), crit: false, val: Some(data.to_vec()) };
    let (matched, text) = (String::new(), String::new());
    let result = LdapResult { rc: 0, matched, text, refs: vec![], ctrls: vec![Control(None, raw)] };
    let Some(end) = controls::dirsync_end(&result) else { return };
    assert!(!end.cookie.is_empty(), "without a cookie there is nothing to go on from");
    assert!(data.windows(end.cookie.len()).any(|part| part == end.cookie), "the cookie is the server's");
    // It goes back as it came, in a question of the same form.
    let mut question = controls::dirsync(0, &end.cookie);
    question.ctype = controls::DIRSYNC.into();
    let asked = LdapResult { ctrls: vec![Control(None, question)], ..result };
    assert_eq!(controls::dirsync_end(&asked).map(|end| end.cookie), Some(end.cookie));
}

/// A DN with ids in front.
pub(in crate::source::ldap) fn extended_dn(text: &str) {
    let name = controls::extended(text);
    assert!(text.ends_with(name.dn), "the DN is the end of what was sent");
    if let Some(guid) = name.guid {
        let again = format!("<GUID={guid}>;{}", name.dn);
        assert_eq!(controls::extended(&again).guid, Some(guid));
    }
}

pub(in crate::source::ldap) use super::syncrepl::fuzzing::{sync_control, sync_message};
