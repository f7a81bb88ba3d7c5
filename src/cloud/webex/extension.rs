//! The Webex extension of a SCIM user, as far as we read it.

use serde::Deserialize;

use super::wire::{List, Text, Typed, Valued};

/// The Webex extension.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cisco<'a> {
    #[serde(default, borrow)]
    pub(super) sip_addresses: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) pronouns: Option<Valued<'a>>,
    #[serde(default, borrow)]
    pub(super) is_teams_on_jabber_enabled: Option<Text<'a>>,
    #[serde(default, borrow, rename = "isUCCallOnJabberEnabled")]
    pub(super) is_uc_call_on_jabber_enabled: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute1: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute2: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute3: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute4: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute5: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute6: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute7: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute8: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute9: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute10: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute11: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute12: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute13: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute14: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) extension_attribute15: List<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute1: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute2: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute3: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute4: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute5: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute6: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute7: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute8: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute9: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute10: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute11: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute12: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute13: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute14: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) external_attribute15: List<Typed<'a>>,
}

impl<'a> Cisco<'a> {
    /// `extensionAttribute1` to `15`, taken out.
    pub(super) fn take_extensions(&mut self) -> [List<Text<'a>>; 15] {
        [
            &mut self.extension_attribute1,
            &mut self.extension_attribute2,
            &mut self.extension_attribute3,
            &mut self.extension_attribute4,
            &mut self.extension_attribute5,
            &mut self.extension_attribute6,
            &mut self.extension_attribute7,
            &mut self.extension_attribute8,
            &mut self.extension_attribute9,
            &mut self.extension_attribute10,
            &mut self.extension_attribute11,
            &mut self.extension_attribute12,
            &mut self.extension_attribute13,
            &mut self.extension_attribute14,
            &mut self.extension_attribute15,
        ]
        .map(std::mem::take)
    }

    /// The `externalAttribute` with a number from 1 to 15.
    pub(super) fn external(&mut self, number: usize) -> Option<&mut Vec<Typed<'a>>> {
        let list = match number {
            1 => &mut self.external_attribute1,
            2 => &mut self.external_attribute2,
            3 => &mut self.external_attribute3,
            4 => &mut self.external_attribute4,
            5 => &mut self.external_attribute5,
            6 => &mut self.external_attribute6,
            7 => &mut self.external_attribute7,
            8 => &mut self.external_attribute8,
            9 => &mut self.external_attribute9,
            10 => &mut self.external_attribute10,
            11 => &mut self.external_attribute11,
            12 => &mut self.external_attribute12,
            13 => &mut self.external_attribute13,
            14 => &mut self.external_attribute14,
            15 => &mut self.external_attribute15,
            _ => return None,
        };
        Some(&mut list.0)
    }
}
