//! The digest of an entry. The encoding is described at `AuditEntry::digest`; it never changes, a new
//! one gets a new first line.

use sha2::{Digest, Sha256};

use super::AuditEntry;

const FIRST_LINE: &[u8] = b"liaison.audit.v1\n";

pub(super) fn of(entry: &AuditEntry) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(FIRST_LINE);
    hash.update(entry.id.uuid().as_bytes());
    hash.update(entry.at.as_micros().to_be_bytes());
    let party = entry.party.uri();
    for text in [
        Some(party.as_str()),
        entry.officer.as_deref(),
        Some(&entry.action),
        Some(&entry.subject),
        entry.purpose.as_deref(),
        Some(&entry.decision),
        entry.request_id.as_deref(),
        entry.rule_set.as_deref(),
    ] {
        add(&mut hash, text.map(str::as_bytes));
    }
    add(&mut hash, entry.facts.as_deref());
    hash.update(length(entry.rules.len()));
    for rule in &entry.rules {
        add(&mut hash, Some(rule.as_bytes()));
    }
    hash.finalize().into()
}

fn add(hash: &mut Sha256, bytes: Option<&[u8]>) {
    match bytes {
        None => hash.update([0]),
        Some(bytes) => {
            hash.update([1]);
            hash.update(length(bytes.len()));
            hash.update(bytes);
        }
    }
}

/// No field comes near 4 GiB: messages are bounded far below.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::{AuditId, Party, SeededRandom, Timestamp};

    fn entry() -> AuditEntry {
        let at = Timestamp::from_micros(1_772_352_000_000_001);
        let mut entry = AuditEntry::new(
            AuditId::new(at, &SeededRandom::new(1)),
            at,
            "bureau/NB-FR".parse::<Party>().unwrap(),
            "intake.submit",
            "referrals/1",
            "PERMIT",
        );
        entry.rules = vec!["R1".to_owned(), "R2".to_owned()];
        entry
    }

    #[test]
    fn every_field_counts() {
        let changes: [fn(&mut AuditEntry); 14] = [
            |e| e.id = AuditId::new(e.at, &SeededRandom::new(2)),
            |e| e.at = Timestamp::from_micros(e.at.as_micros() + 1),
            |e| e.party = "bureau/NB-ES".parse().unwrap(),
            |e| e.officer = Some(String::new()),
            |e| e.action.push('x'),
            |e| e.subject.push('x'),
            |e| e.purpose = Some("p".to_owned()),
            |e| e.decision = "REFUSE".to_owned(),
            |e| e.rules = vec!["R1R2".to_owned()],
            |e| e.request_id = Some("p".to_owned()),
            |e| e.rule_set = Some("p".to_owned()),
            |e| e.facts = Some(Vec::new()),
            |e| e.facts = Some(b"p".to_vec()),
            |e| e.facts = Some(b"pp".to_vec()),
        ];
        let mut digests = vec![entry().digest()];
        for change in changes {
            let mut changed = entry();
            change(&mut changed);
            digests.push(changed.digest());
        }
        for (index, digest) in digests.iter().enumerate() {
            assert!(!digests[..index].contains(digest), "change {index}");
        }
    }

    #[test]
    fn the_encoding_is_what_the_documentation_says() {
        let mut entry = entry();
        entry.officer = Some("ü".to_owned());
        entry.facts = Some(vec![0xff, 0]);
        let mut bytes = b"liaison.audit.v1\n".to_vec();
        bytes.extend(entry.id.uuid().as_bytes());
        bytes.extend(1_772_352_000_000_001_i64.to_be_bytes());
        for text in [
            Some("liaison://bureau/NB-FR"),
            Some("ü"),
            Some("intake.submit"),
            Some("referrals/1"),
            None,
            Some("PERMIT"),
            None,
            None,
        ] {
            match text {
                None => bytes.push(0),
                Some(text) => {
                    bytes.extend([1, 0, 0, 0, u8::try_from(text.len()).unwrap()]);
                    bytes.extend(text.as_bytes());
                }
            }
        }
        bytes.extend(*b"\x01\0\0\0\x02\xff\0");
        bytes.extend(*b"\0\0\0\x02\x01\0\0\0\x02R1\x01\0\0\0\x02R2");
        let expected: [u8; 32] = Sha256::digest(&bytes).into();
        assert_eq!(entry.digest(), expected);
    }
}
