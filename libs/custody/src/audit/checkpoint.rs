//! Signed ends of a sealed audit.

use liaison_types::Timestamp;

use crate::chain::Digest;
use crate::message::{Sink as _, tag};
use crate::signature::{Invalid, PublicKeys, Signature, SigningKey};

/// Says that the sealed audit of a service had this digest at this position.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The service, for example `intake`.
    pub service: String,
    /// The position of the last sealed entry.
    pub position: i64,
    /// When it was signed.
    pub at: Timestamp,
    /// The chained digest there.
    pub digest: Digest,
    /// Over all of the above.
    pub signature: Signature,
}

impl Checkpoint {
    /// Signs. The signed message is the line `liaison.audit.checkpoint.v1`, the service with its length
    /// as a 4-byte big-endian integer, position and instant in microseconds as 8-byte big-endian
    /// integers, and the digest.
    #[must_use]
    pub fn sign(
        service: &str,
        position: i64,
        at: Timestamp,
        digest: Digest,
        key: &SigningKey,
    ) -> Self {
        Self {
            service: service.to_owned(),
            position,
            at,
            digest,
            signature: key.sign(&message(service, position, at, &digest)),
        }
    }

    /// Whether one of `keys` signed it.
    ///
    /// # Errors
    /// What is wrong with the signature.
    pub fn verify(&self, keys: &PublicKeys) -> Result<(), Invalid> {
        let message = message(&self.service, self.position, self.at, &self.digest);
        keys.verify(&message, &self.signature)
    }
}

fn message(service: &str, position: i64, at: Timestamp, digest: &Digest) -> Vec<u8> {
    let mut message = tag::CHECKPOINT.to_vec();
    message.field(service.as_bytes());
    message.integer(position);
    message.instant(at);
    message.bytes(digest);
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::SeededRandom;

    #[test]
    fn every_field_is_signed() {
        let key = SigningKey::generate(&SeededRandom::new(1));
        let stranger = SigningKey::generate(&SeededRandom::new(2));
        let keys = PublicKeys::from(key.public_key());
        let at = Timestamp::from_seconds(1_772_352_000);
        let good = Checkpoint::sign("intake", 7, at, [3; 32], &key);
        assert_eq!(good.verify(&keys), Ok(()));
        let changes: [fn(&mut Checkpoint); 5] = [
            |c| c.service = "routing".to_owned(),
            |c| c.position = 8,
            |c| c.at = Timestamp::from_micros(c.at.as_micros() + 1),
            |c| c.digest[31] ^= 1,
            |c| c.signature.bytes[0] ^= 1,
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut changed = good.clone();
            change(&mut changed);
            assert_eq!(changed.verify(&keys), Err(Invalid::Forged), "{number}");
        }
        let foreign = Checkpoint::sign("intake", 7, at, [3; 32], &stranger);
        assert_eq!(
            foreign.verify(&keys),
            Err(Invalid::UnknownKey(stranger.id()))
        );
    }
}
