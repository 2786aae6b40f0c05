//! AES-256-GCM with a random nonce. The form is described at the module `sealed`.

use liaison_types::Random;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// The bytes of a key.
pub(super) const KEY_LEN: usize = 32;
/// The bytes of a key, erased when they are dropped.
pub(super) type KeyBytes = Zeroizing<[u8; KEY_LEN]>;

/// The first byte.
const FORMAT: u8 = 1;
/// Where the ciphertext begins.
const HEADER: usize = 1 + NONCE_LEN;

/// Why a value does not open. It says nothing of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the sealed value is too short to be one")]
    Short,
    #[error("the sealed value has an unknown form")]
    Form,
    #[error("the value was not sealed in this place under this key, or it was changed")]
    NotAuthentic,
    #[error("the value is no text")]
    NotText,
    #[error("the value is no key")]
    NotKey,
}

/// Seals `content`, which may be as long as a message can be: the cipher ends at 64 GiB.
pub(super) fn seal(
    key: &[u8; KEY_LEN],
    random: &dyn Random,
    associated: &[u8],
    content: &[u8],
) -> Vec<u8> {
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce);
    let mut sealed = Vec::with_capacity(HEADER + content.len() + MAX_TAG_LEN);
    sealed.push(FORMAT);
    sealed.extend(nonce);
    sealed.extend(content);
    let tag = expand(key)
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated),
            &mut sealed[HEADER..],
        )
        .expect("contents are shorter than 64 GiB");
    sealed.extend(tag.as_ref());
    sealed
}

/// Opens what [`seal`] made with the same key and the same associated data.
pub(super) fn open(
    key: &[u8; KEY_LEN],
    associated: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, Refused> {
    let (&format, rest) = sealed.split_first().ok_or(Refused::Short)?;
    if format != FORMAT {
        return Err(Refused::Form);
    }
    let (nonce, rest) = rest.split_first_chunk().ok_or(Refused::Short)?;
    if rest.len() < MAX_TAG_LEN {
        return Err(Refused::Short);
    }
    let mut content = rest.to_vec();
    let length = expand(key)
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(associated),
            &mut content,
        )
        .map_err(|_| Refused::NotAuthentic)?
        .len();
    content.truncate(length);
    Ok(content)
}

/// Done anew for each value: it takes a fraction of a microsecond, and the cipher's own form of a key
/// cannot be erased.
fn expand(key: &[u8; KEY_LEN]) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key).expect("the key has the cipher's length");
    LessSafeKey::new(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::SeededRandom;
    use proptest::prelude::*;

    const KEY: [u8; KEY_LEN] = [7; KEY_LEN];

    #[test]
    fn the_form_is_what_the_documentation_says() {
        let random = SeededRandom::new(1);
        let mut nonce = [0; NONCE_LEN];
        SeededRandom::new(1).fill(&mut nonce);
        let sealed = seal(&KEY, &random, b"place", b"content");
        assert_eq!(sealed.len(), 1 + 12 + 7 + 16);
        assert_eq!(sealed[0], 1);
        assert_eq!(sealed[1..13], nonce);
        assert!(!sealed.windows(7).any(|bytes| bytes == b"content"));
        // Another draw, another value.
        assert_ne!(seal(&KEY, &random, b"place", b"content"), sealed);
    }

    /// Test case 16 of "The Galois/Counter Mode of Operation" by McGrew and Viega: 256-bit key, 96-bit
    /// nonce, 60 bytes, with associated data.
    #[test]
    fn the_cipher_is_the_published_one() {
        let unhex = |text: &str| hex::decode(text).unwrap();
        let key: [u8; KEY_LEN] =
            unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
                .try_into()
                .unwrap();
        let sealed = [
            unhex("01"),
            unhex("cafebabefacedbaddecaf888"),
            unhex(
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                 8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            ),
            unhex("76fc6ece0f4e1768cddf8853bb2d551b"),
        ]
        .concat();
        let associated = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let content = unhex(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        assert_eq!(open(&KEY, &associated, &sealed), Err(Refused::NotAuthentic));
        assert_eq!(open(&key, &associated, &sealed), Ok(content));
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(
            content: Vec<u8>,
            place: Vec<u8>,
            key: [u8; KEY_LEN],
            seed: u64,
        ) {
            let sealed = seal(&key, &SeededRandom::new(seed), &place, &content);
            prop_assert_eq!(open(&key, &place, &sealed), Ok(content));
        }

        #[test]
        fn every_changed_byte_is_refused(
            content in prop::collection::vec(any::<u8>(), 0..24),
            flip in 1_u8..,
            seed: u64,
        ) {
            let sealed = seal(&KEY, &SeededRandom::new(seed), b"place", &content);
            for index in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[index] ^= flip;
                prop_assert!(open(&KEY, b"place", &changed).is_err(), "byte {}", index);
                prop_assert!(open(&KEY, b"place", &sealed[..index]).is_err(), "cut at {}", index);
            }
            let longer = [sealed.as_slice(), &[flip]].concat();
            prop_assert!(open(&KEY, b"place", &longer).is_err());
            prop_assert!(open(&KEY, b"palce", &sealed).is_err());
        }
    }
}
