//! Keys and signatures: Ed25519 (RFC 8032), PKCS#8 and SPKI as of RFC 8410.
//!
//! Verification is the one without a cofactor that OpenSSL and ring do as well, so that two verifiers
//! never differ. Nothing here signs arbitrary bytes: what is signed begins with a line that says what
//! it is, and only this crate writes that line.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ed25519_dalek::ed25519::pkcs8::KeypairBytes;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _,
};
use ed25519_dalek::{Signer as _, Verifier as _, VerifyingKey};
use liaison_types::Random;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Why a text is no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// No PKCS#8 private key of Ed25519 in PEM.
    #[error("not an Ed25519 private key in PKCS#8 PEM")]
    Private,
    /// A block that is no public key of Ed25519 in PEM, or one that anybody could sign for.
    #[error("block {0} is not an Ed25519 public key in PEM")]
    Public(usize),
    /// No block at all.
    #[error("no public key in PEM")]
    None,
    /// A private key where public ones belong. It has no business there.
    #[error("block {0} is not a public key; a private key must never be handed on")]
    Label(usize),
    /// Two different keys with one id.
    #[error("two different keys have the id {0}")]
    Ambiguous(KeyId),
}

/// Names a public key: the first 8 bytes of SHA-256 over its SPKI DER, written as 16 lower-case hex
/// digits. It finds a key among those trusted; it proves nothing by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// The id with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    fn of(key: &VerifyingKey) -> Self {
        // RFC 8410: for Ed25519 the DER is these twelve bytes and the key.
        const SPKI: [u8; 12] = *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
        let digest = Sha256::new()
            .chain_update(SPKI)
            .chain_update(key.as_bytes())
            .finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// The text was not 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a key id: 16 hex digits")]
pub struct ParseKeyIdError;

impl FromStr for KeyId {
    type Err = ParseKeyIdError;
    fn from_str(text: &str) -> Result<Self, ParseKeyIdError> {
        let mut id = [0; 8];
        hex::decode_to_slice(text, &mut id).map_err(|_| ParseKeyIdError)?;
        Ok(Self(id))
    }
}

/// A signature and the key it was made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signature {
    /// The key.
    pub key: KeyId,
    /// The signature, RFC 8032.
    pub bytes: [u8; 64],
}

/// Signs. Wiped from memory when dropped; shows nothing of itself but its id.
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    id: KeyId,
}

impl SigningKey {
    /// A new key from 32 bytes of `random`, which must be the system's.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        random.fill(&mut *seed);
        Self::of(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// Reads a `PRIVATE KEY` block, as [`SigningKey::to_pkcs8_pem`] or
    /// `openssl genpkey -algorithm ed25519` write it.
    ///
    /// # Errors
    /// [`KeyError::Private`], which says nothing of the text.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        ed25519_dalek::SigningKey::from_pkcs8_pem(pem)
            .map(Self::of)
            .map_err(|_| KeyError::Private)
    }

    /// The `PRIVATE KEY` block, in the first version of PKCS#8, which everybody reads.
    ///
    /// # Errors
    /// [`KeyError::Private`] where it cannot be encoded, which does not happen to a key of 32 bytes.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let bytes = KeypairBytes {
            secret_key: self.key.to_bytes(),
            public_key: None,
        };
        bytes
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| KeyError::Private)
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// What others verify with.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey {
            key: self.key.verifying_key(),
            id: self.id,
        }
    }

    /// `message` begins with its tag.
    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        Signature {
            key: self.id,
            bytes: self.key.sign(message).to_bytes(),
        }
    }

    fn of(key: ed25519_dalek::SigningKey) -> Self {
        Self {
            id: KeyId::of(&key.verifying_key()),
            key,
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}

/// Verifies what one key signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: KeyId,
}

impl PublicKey {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The `PUBLIC KEY` block.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.key
            .to_public_key_pem(LineEnding::LF)
            .expect("44 bytes can be encoded")
    }

    /// Refuses the few keys of small order, under which anybody can make signatures.
    fn from_pem(pem: &str) -> Option<Self> {
        let key = VerifyingKey::from_public_key_pem(pem).ok()?;
        (!key.is_weak()).then(|| Self {
            id: KeyId::of(&key),
            key,
        })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

/// What is wrong with a signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Invalid {
    /// Its key is not among those given.
    UnknownKey(KeyId),
    /// It is not that key's signature of this message.
    Forged,
}

/// The keys somebody trusts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PublicKeys(BTreeMap<KeyId, PublicKey>);

impl PublicKeys {
    /// Reads one or more `PUBLIC KEY` blocks; what stands between them is a comment.
    ///
    /// # Errors
    /// The first block that is none, by its place from 1; no block at all; two keys with one id.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        const BEGIN: &str = "-----BEGIN ";
        const END: &str = "-----END PUBLIC KEY-----";
        let mut keys = Self::default();
        for (number, block) in (1..).zip(text.split(BEGIN).skip(1)) {
            if !block.starts_with("PUBLIC KEY-----") {
                return Err(KeyError::Label(number));
            }
            let end = block.find(END).ok_or(KeyError::Public(number))? + END.len();
            let block = format!("{BEGIN}{}", &block[..end]);
            keys.insert(PublicKey::from_pem(&block).ok_or(KeyError::Public(number))?)?;
        }
        if keys.is_empty() {
            return Err(KeyError::None);
        }
        Ok(keys)
    }

    /// Adds a key; one that is there already is fine.
    ///
    /// # Errors
    /// [`KeyError::Ambiguous`] where another one has its id: an id has 64 bits, so that somebody who
    /// makes both may bring that about.
    pub fn insert(&mut self, key: PublicKey) -> Result<(), KeyError> {
        if *self.0.entry(key.id).or_insert(key) == key {
            Ok(())
        } else {
            Err(KeyError::Ambiguous(key.id))
        }
    }

    /// The key of this id.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<&PublicKey> {
        self.0.get(id)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.values()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `message` begins with its tag.
    pub(crate) fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), Invalid> {
        let key = self
            .get(&signature.key)
            .ok_or(Invalid::UnknownKey(signature.key))?;
        let bytes = ed25519_dalek::Signature::from_bytes(&signature.bytes);
        key.key.verify(message, &bytes).map_err(|_| Invalid::Forged)
    }
}

impl From<PublicKey> for PublicKeys {
    fn from(key: PublicKey) -> Self {
        Self(BTreeMap::from([(key.id, key)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::SeededRandom;

    fn key(seed: u64) -> SigningKey {
        SigningKey::generate(&SeededRandom::new(seed))
    }

    #[test]
    fn the_vectors_of_rfc_8032_hold() {
        // Section 7.1, test 2.
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let mut bytes = [0; 32];
        hex::decode_to_slice(seed, &mut bytes).unwrap();
        let key = SigningKey::of(ed25519_dalek::SigningKey::from_bytes(&bytes));
        let signature = key.sign(&[0x72]);
        assert_eq!(
            hex::encode(signature.bytes),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        let keys = PublicKeys::from(key.public_key());
        assert_eq!(keys.verify(&[0x72], &signature), Ok(()));
        assert_eq!(keys.verify(&[0x73], &signature), Err(Invalid::Forged));
    }

    #[test]
    fn keys_of_openssl_are_read() {
        // Of RFC 8410, section 10.
        let private = "-----BEGIN PRIVATE KEY-----\n\
            MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
            -----END PRIVATE KEY-----\n";
        let public = "-----BEGIN PUBLIC KEY-----\n\
            MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
            -----END PUBLIC KEY-----\n";
        let key = SigningKey::from_pkcs8_pem(private).unwrap();
        assert_eq!(key.public_key().to_pem(), public);
        assert_eq!(key.to_pkcs8_pem().unwrap().as_str(), private);
        assert_eq!(
            PublicKeys::from_pem(public).unwrap(),
            key.public_key().into()
        );
        assert_eq!(
            SigningKey::from_pkcs8_pem(public).err(),
            Some(KeyError::Private)
        );
    }

    #[test]
    fn several_keys_stand_in_one_text_and_each_is_found() {
        let (one, two) = (key(1), key(2));
        let text = format!(
            "# since 2026\r\n{}\nolder:\n{}{}",
            one.public_key().to_pem().replace('\n', "\r\n"),
            two.public_key().to_pem(),
            one.public_key().to_pem(),
        );
        let keys = PublicKeys::from_pem(&text).unwrap();
        assert_eq!(keys.iter().count(), 2);
        for signer in [&one, &two] {
            assert_eq!(keys.get(&signer.id()), Some(&signer.public_key()));
            assert_eq!(keys.verify(b"m", &signer.sign(b"m")), Ok(()));
        }
        let stranger = key(3);
        assert_eq!(
            keys.verify(b"m", &stranger.sign(b"m")),
            Err(Invalid::UnknownKey(stranger.id()))
        );
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let good = key(1).public_key().to_pem();
        let private = key(1).to_pkcs8_pem().unwrap();
        for (text, error) in [
            (String::new(), KeyError::None),
            (format!("{good}{}", private.as_str()), KeyError::Label(2)),
            (good.replace("-----END", "-----ENDE"), KeyError::Public(1)),
            (good.replace("MCow", "MCox"), KeyError::Public(1)),
            // The neutral element: it verifies a signature of anything.
            (
                "-----BEGIN PUBLIC KEY-----\n\
                 MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\
                 -----END PUBLIC KEY-----\n"
                    .to_owned(),
                KeyError::Public(1),
            ),
        ] {
            assert_eq!(PublicKeys::from_pem(&text), Err(error), "{text}");
        }
    }

    #[test]
    fn nothing_of_a_key_is_shown_but_its_id() {
        let key = key(1);
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.id()));
        assert_eq!(key.id().to_string().parse(), Ok(key.id()));
        assert_eq!("0123".parse::<KeyId>(), Err(ParseKeyIdError));
    }
}
