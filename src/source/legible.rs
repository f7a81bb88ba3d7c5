//! Values that are not text, as the rules can read them.
//!
//! Rules read text. An id in bytes becomes the text in which administrators know it, and a certificate
//! the base64 in which it is passed on. A photo
//! becomes its digest: that it changed must be noticed, and its bytes must not be carried along
//! with every record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::{Attribute, Fingerprint, Hasher, SourceId};

use super::ad;

/// Attributes that hold pictures, lower case.
pub(super) const PHOTOS: &[&str] = &["thumbnailphoto", "jpegphoto", "thumbnaillogo", "photo"];

/// How every certificate in DER begins: a sequence with a length in two bytes.
const DER_SEQUENCE: &[u8] = &[0x30, 0x82];

/// Makes the values of an attribute legible. What is malformed stays as it is.
pub(super) fn make(attribute: &mut Attribute) {
    let legible: fn(&[u8]) -> Option<String> = match attribute.name.as_str() {
        // The second holds an objectGUID, perhaps of another forest.
        "objectguid" | "ms-ds-consistencyguid" => {
            |value| Some(SourceId::from_ad_guid(value.try_into().ok()?).to_string())
        }
        "objectsid" | "sidhistory" => ad::sid_text,
        "usercertificate" => certificate,
        name if PHOTOS.contains(&name) => |value| Some(digest(value)),
        _ => return,
    };
    for value in &mut attribute.values {
        if let Some(text) = legible(value) {
            *value = text.into_bytes();
        }
    }
}

/// A certificate in base64. Some directories hold it so already.
fn certificate(value: &[u8]) -> Option<String> {
    value.starts_with(DER_SEQUENCE).then(|| STANDARD.encode(value))
}

/// The digest of bytes, in hexadecimal.
fn digest(value: &[u8]) -> String {
    let mut hasher = Hasher::seeded(Fingerprint::NONE);
    hasher.part(value);
    format!("{:?}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(name: &str, value: &[u8]) -> Vec<u8> {
        let mut attribute = Attribute { name: name.into(), values: vec![value.to_vec()] };
        make(&mut attribute);
        attribute.values.remove(0)
    }

    #[test]
    fn ids_are_read_as_administrators_write_them() {
        let guid =
            [0x1e, 0x3c, 0x1d, 0x6f, 0x2b, 0x0a, 0x3d, 0x4c, 0x8e, 0x9f, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55];
        for name in ["objectguid", "ms-ds-consistencyguid"] {
            assert_eq!(made(name, &guid), b"6f1d3c1e-0a2b-4c3d-8e9f-001122334455", "{name}");
        }
        assert_eq!(made("objectsid", &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0]), b"S-1-5-32-544");
        assert_eq!(made("objectsid", b"S-1-5-32-544"), b"S-1-5-32-544");
        assert_eq!(made("objectguid", b"short"), b"short");
        assert_eq!(made("cn", &guid), guid);
    }

    #[test]
    fn a_certificate_is_base64() {
        assert_eq!(made("usercertificate", &[0x30, 0x82, 1, 2, 3]), b"MIIBAgM=");
        assert_eq!(made("usercertificate", b"MIIBAgM="), b"MIIBAgM=");
    }

    #[test]
    fn a_photo_is_its_digest() {
        let (one, other) = (made("jpegphoto", &[0xff; 90_000]), made("jpegphoto", &[0xfe; 90_000]));
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
        assert_eq!(one, made("thumbnailphoto", &[0xff; 90_000]));
    }
}
