//! Identifiers, one type per namespace, so that an anchor can never be passed
//! where a cloud id is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The anchor: the immutable 16-byte id of a record in the source (AD `objectGUID`,
/// OpenLDAP `entryUUID`, 389-ds `nsUniqueId`).
///
/// The bytes are kept in the order in which administrators read them: the textual
/// form equals what PowerShell prints for `ObjectGUID`, or the value of `entryUUID`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId([u8; 16]);

/// A text that is not an anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceIdError;

impl fmt::Display for SourceIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an anchor: expected 32 hexadecimal digits, with or without hyphens")
    }
}

impl std::error::Error for SourceIdError {}

impl SourceId {
    /// An anchor from bytes already in textual order.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// An anchor from the bytes of an AD `objectGUID`, whose first three fields are
    /// little-endian ([MS-DTYP] 2.3.4.2).
    pub const fn from_ad_guid(b: [u8; 16]) -> Self {
        Self([
            b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
            b[15],
        ])
    }

    /// The bytes in textual order: the sort order of the snapshot.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without formatting each byte: it is done for everybody in every plan.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let places = (0..36).filter(|at| !matches!(at, 8 | 13 | 18 | 23));
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        for (at, digit) in places.zip(digits) {
            text[at] = DIGITS[usize::from(digit)];
        }
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SourceId {
    type Err = SourceIdError;

    fn from_str(text: &str) -> Result<Self, SourceIdError> {
        let mut bytes = [0u8; 16];
        let mut nibbles = 0;
        for c in text.bytes() {
            let digit = match c {
                b'0'..=b'9' => c - b'0',
                b'a'..=b'f' => c - b'a' + 10,
                b'A'..=b'F' => c - b'A' + 10,
                b'-' => continue,
                _ => return Err(SourceIdError),
            };
            if nibbles == 32 {
                return Err(SourceIdError);
            }
            bytes[nibbles / 2] = bytes[nibbles / 2] << 4 | digit;
            nibbles += 1;
        }
        if nibbles == 32 { Ok(Self(bytes)) } else { Err(SourceIdError) }
    }
}

impl Serialize for SourceId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SourceId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// The id as the cloud wrote it.
            pub fn new(id: impl Into<Box<str>>) -> Self {
                Self(id.into())
            }

            /// The id as the cloud wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

opaque_id!(
    /// The id of an account in the cloud. For Webex the raw UUID that SCIM uses; the
    /// public base64 form is derived from it at the edge. Opaque to everything else.
    CloudId
);
opaque_id!(
    /// The id of a licence in the cloud's catalogue, as the catalogue wrote it.
    LicenseId
);
/// What Webex writes behind a site where somebody attends and does not host.
const ATTENDEE: &str = "#attendee";

impl LicenseId {
    /// Attending meetings on a site, which nobody buys, is given and taken like a licence. Its id
    /// is written as Webex shows it: `example.webex.com#attendee`.
    pub fn attendee(site: &str) -> Self {
        Self::new(format!("{}{ATTENDEE}", site.trim().to_lowercase()))
    }

    /// The site, when this is no licence and stands for attending there.
    pub fn attended_site(&self) -> Option<&str> {
        self.0.strip_suffix(ATTENDEE)
    }
}

opaque_id!(
    /// The value of an administrator role, for example `id_full_admin`.
    RoleId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_survives_its_text_form() {
        let text = "6f1d3c1e-0a2b-4c3d-8e9f-001122334455";
        let id: SourceId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!("6F1D3C1E0A2B4C3D8E9F001122334455".parse::<SourceId>().unwrap(), id);
    }

    #[test]
    fn an_ad_guid_reads_as_powershell_prints_it() {
        let wire =
            [0x1e, 0x3c, 0x1d, 0x6f, 0x2b, 0x0a, 0x3d, 0x4c, 0x8e, 0x9f, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55];
        assert_eq!(SourceId::from_ad_guid(wire).to_string(), "6f1d3c1e-0a2b-4c3d-8e9f-001122334455");
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "6f1d", "zz1d3c1e-0a2b-4c3d-8e9f-001122334455", "6f1d3c1e0a2b4c3d8e9f00112233445566"]
        {
            assert!(bad.parse::<SourceId>().is_err(), "{bad}");
        }
    }
}
