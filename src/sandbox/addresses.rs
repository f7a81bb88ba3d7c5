//! Whose an address is: everybody in the organization has own ones, as user name or beside it, and
//! however they are written.

use std::collections::BTreeSet;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::profile::Profile;

/// Addresses by their compared form that the index of user names does not find.
#[derive(Debug, Default)]
pub(super) struct Addresses(BTreeSet<(Box<str>, u32)>);

impl Addresses {
    /// Takes the addresses of an account in.
    pub(super) fn add(&mut self, slot: u32, profile: &Profile) {
        self.0.extend(beside(profile).map(|address| (address, slot)));
    }

    /// Takes them out.
    pub(super) fn remove(&mut self, slot: u32, profile: &Profile) {
        for address in beside(profile) {
            self.0.remove(&(address, slot));
        }
    }

    /// Goes from one profile to the next.
    pub(super) fn change(&mut self, slot: u32, before: &Profile, after: &Profile) {
        if before.user_name != after.user_name || before.emails != after.emails {
            self.remove(slot, before);
            self.add(slot, after);
        }
    }

    /// Whether another account has an address.
    pub(super) fn has_other(&self, address: &str, slot: Option<u32>) -> bool {
        let from = (Box::from(address), 0);
        let holders = self.0.range(from..).take_while(|(held, _)| **held == *address);
        holders.into_iter().any(|(_, holder)| Some(*holder) != slot)
    }
}

/// The compared form: letters composed and small, the domain in ASCII.
pub(super) fn compared(address: &str) -> Box<str> {
    let small = address.nfc().collect::<String>().to_lowercase();
    let Some((local, domain)) = small.rsplit_once('@') else { return small.into() };
    match idna::domain_to_ascii(domain) {
        Ok(ascii) => format!("{local}@{ascii}").into(),
        Err(_) => small.into(),
    }
}

/// All addresses of an account, compared.
pub(super) fn all(profile: &Profile) -> impl Iterator<Item = Box<str>> {
    std::iter::once(compared(&profile.user_name)).chain(alternates(profile))
}

fn alternates(profile: &Profile) -> impl Iterator<Item = Box<str>> {
    let list: Vec<Value> = match profile.emails.is_empty() {
        true => Vec::new(),
        false => serde_json::from_str(&format!("[{}]", profile.emails)).unwrap_or_default(),
    };
    list.into_iter().filter_map(|entry| entry.get("value").and_then(Value::as_str).map(compared))
}

/// The addresses that are not the user name in lower case.
fn beside(profile: &Profile) -> impl Iterator<Item = Box<str>> {
    let name = compared(&profile.user_name);
    let other = (*name != *profile.user_name.to_lowercase()).then_some(name);
    other.into_iter().chain(alternates(profile))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_is_one_address() {
        for (a, b) in [
            ("Ann@Example.com", "ann@example.COM"),
            ("ann@Bücher.example", "ann@xn--bcher-kva.example"),
            ("ann@bu\u{308}cher.example", "ann@bücher.example"),
        ] {
            assert_eq!(compared(a), compared(b));
        }
        assert_ne!(compared("ann@bücher.example"), compared("ann@bucher.example"));
    }
}
