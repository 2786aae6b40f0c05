//! Reads a bundle, however it is spelled. Flat types, so that nothing recurses; bounded; what it does
//! not know it refuses.

use std::borrow::Cow;
use std::fmt;

use liaison_types::{ReferralId, Timestamp};
use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::error::Category;

use super::{Bundle, FORMAT, MAX_BYTES, MAX_RECEIPTS, Statement};
use crate::receipt::Receipt;
use crate::signature::Signature;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBundle<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    #[serde(borrow)]
    referral: Cow<'a, str>,
    reference: String,
    owner: String,
    #[serde(borrow)]
    issued_at: Cow<'a, str>,
    receipts: Receipts,
    #[serde(borrow)]
    statement: RawStatement<'a>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReceipt<'a> {
    #[serde(borrow)]
    referral: Cow<'a, str>,
    position: i64,
    #[serde(borrow)]
    at: Cow<'a, str>,
    #[serde(default)]
    step: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    party: String,
    #[serde(default)]
    officer: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    detail: String,
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStatement<'a> {
    position: i64,
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    signature: Cow<'a, str>,
}

/// Receipts, converted one by one, and never more than are allowed.
struct Receipts(Vec<Receipt>);

impl<'de> Deserialize<'de> for Receipts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Vec<Receipt>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of receipts")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Receipt>, A::Error> {
                let mut receipts = Vec::new();
                while let Some(raw) = list.next_element::<RawReceipt<'_>>()? {
                    if receipts.len() == MAX_RECEIPTS {
                        return Err(A::Error::custom(format_args!(
                            "there are more than {MAX_RECEIPTS} receipts"
                        )));
                    }
                    receipts.push(receipt(raw).map_err(A::Error::custom)?);
                }
                Ok(receipts)
            }
        }
        deserializer.deserialize_seq(List).map(Self)
    }
}

/// Reads `bytes`.
///
/// # Errors
/// Why they are no bundle.
pub(super) fn bundle(bytes: &[u8]) -> Result<Bundle, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("it is longer than {MAX_BYTES} bytes"));
    }
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    let raw: RawBundle<'_> = serde_json::from_slice(bytes).map_err(|error| no_json(&error))?;
    if raw.format != FORMAT {
        return Err(format!("its format is not {FORMAT}"));
    }
    Ok(Bundle {
        referral: referral(&raw.referral)?,
        reference: raw.reference,
        owner: raw
            .owner
            .parse()
            .map_err(|error| format!("its owner is no party: {error}"))?,
        issued_at: instant(&raw.issued_at)?,
        receipts: raw.receipts.0,
        statement: Statement {
            position: position(raw.statement.position)?,
            digest: bytes_of("digest", &raw.statement.digest)?,
            signature: signature(&raw.statement.key, &raw.statement.signature)?,
        },
    })
}

/// What the parser says, after what it means.
fn no_json(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Eof => format!("its end is missing: {error}"),
        Category::Syntax => format!("it is not JSON: {error}"),
        Category::Data | Category::Io => error.to_string(),
    }
}

fn receipt(raw: RawReceipt<'_>) -> Result<Receipt, String> {
    Ok(Receipt {
        referral: referral(&raw.referral)?,
        position: position(raw.position)?,
        at: instant(&raw.at)?,
        step: raw.step,
        state: raw.state,
        party: raw.party,
        officer: raw.officer,
        unit: raw.unit,
        detail: raw.detail,
        content: raw
            .content
            .map(|content| bytes_of("content", &content))
            .transpose()?,
        digest: bytes_of("digest", &raw.digest)?,
        signature: match (raw.key, raw.signature) {
            (None, None) => None,
            (Some(key), Some(bytes)) => Some(signature(&key, &bytes)?),
            _ => return Err("key and signature go together".to_owned()),
        },
    })
}

fn referral(name: &str) -> Result<ReferralId, String> {
    name.strip_prefix("referrals/")
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| "a referral is not named referrals/ and a UUID".to_owned())
}

fn position(value: i64) -> Result<i64, String> {
    if value < 1 {
        return Err("a position is below 1".to_owned());
    }
    Ok(value)
}

fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text)
        .ok()
        .filter(|at| writable(*at))
        .ok_or_else(|| "a time is not of RFC 3339 between 1970 and 9999".to_owned())
}

/// From 1970 up to and with 9999.
pub(super) fn writable(at: Timestamp) -> bool {
    (0..253_402_300_800_000_000).contains(&at.as_micros())
}

fn bytes_of<const N: usize>(what: &str, text: &str) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes)
        .map_err(|_| format!("a {what} is not {} hex digits", 2 * N))?;
    Ok(bytes)
}

fn signature(key: &str, bytes: &str) -> Result<Signature, String> {
    Ok(Signature {
        key: key.parse().map_err(|_| "a key is not 16 hex digits")?,
        bytes: bytes_of("signature", bytes)?,
    })
}
