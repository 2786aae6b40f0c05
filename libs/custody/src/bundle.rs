//! The document a bureau downloads: all receipts of a referral, and a statement that closes it, so that
//! one from which the last steps were cut off is found out.
//!
//! There is exactly one spelling of a bundle ([`Bundle::to_text`]), and [`Bundle::parse`] takes no
//! other: whatever byte is changed, it shows, also where no signature reaches it.

use std::fmt::{self, Write as _};

use liaison_types::{Party, ReferralId, Timestamp};

use crate::chain::Digest;
use crate::message::{Sink as _, tag};
use crate::receipt::Receipt;
use crate::signature::{Invalid, PublicKeys, Signature, SigningKey};

mod read;

/// The first field of every bundle.
pub const FORMAT: &str = "liaison-custody-bundle/1";

/// Longest bundle, in bytes.
pub const MAX_BYTES: usize = 64 << 20;

/// Most receipts in a bundle.
pub const MAX_RECEIPTS: usize = 100_000;

/// Why a text is no bundle.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParseError {
    /// Not JSON of this form, with values that can be.
    #[error("{0}")]
    Malformed(String),
    /// Spelled otherwise than [`Bundle::to_text`] would.
    #[error("line {line} is not spelled the one way a bundle is spelled")]
    NotCanonical {
        /// The first line that differs, from 1.
        line: usize,
    },
}

/// Why there can be no bundle of these receipts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IssueError {
    /// There is none.
    #[error("a bundle needs a receipt")]
    Empty,
    /// More than [`MAX_RECEIPTS`], or longer than [`MAX_BYTES`].
    #[error("a bundle has at most {MAX_RECEIPTS} receipts and {MAX_BYTES} bytes")]
    TooLarge,
    /// An instant before 1970 or after 9999, or a position below 1.
    #[error("the receipt at position {0} has a time or position that cannot be written")]
    Unwritable(i64),
}

/// All receipts of a referral, closed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bundle {
    /// The referral.
    pub referral: ReferralId,
    /// The suite's reference.
    pub reference: String,
    /// Whose referral it is.
    pub owner: Party,
    /// When the bundle was made. It says nothing of what happened later.
    pub issued_at: Timestamp,
    /// By position.
    pub receipts: Vec<Receipt>,
    /// What closes it.
    pub statement: Statement,
}

/// Where the bundle ends, signed together with what it says of the referral.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Statement {
    /// The position of the last receipt.
    pub position: i64,
    /// Its digest.
    pub digest: Digest,
    /// Over both, the referral, its reference, its owner and the time of issue.
    pub signature: Signature,
}

/// What a bundle says besides its receipts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heading {
    /// The referral.
    pub referral: ReferralId,
    /// The suite's reference.
    pub reference: String,
    /// Whose referral it is.
    pub owner: Party,
    /// Now.
    pub issued_at: Timestamp,
}

impl Bundle {
    /// Closes `receipts`. Does not verify them: what is wrong with them is for the reader to see.
    ///
    /// # Errors
    /// See [`IssueError`].
    pub fn issue(
        heading: Heading,
        receipts: Vec<Receipt>,
        key: &SigningKey,
    ) -> Result<Self, IssueError> {
        let last = receipts.last().ok_or(IssueError::Empty)?;
        if receipts.len() > MAX_RECEIPTS {
            return Err(IssueError::TooLarge);
        }
        for receipt in &receipts {
            if receipt.position < 1 || !read::writable(receipt.at) {
                return Err(IssueError::Unwritable(receipt.position));
            }
        }
        if !read::writable(heading.issued_at) {
            return Err(IssueError::Unwritable(last.position));
        }
        let (position, digest) = (last.position, last.digest);
        let message = statement(&heading, position, &digest);
        let bundle = Self {
            referral: heading.referral,
            reference: heading.reference,
            owner: heading.owner,
            issued_at: heading.issued_at,
            receipts,
            statement: Statement {
                position,
                digest,
                signature: key.sign(&message),
            },
        };
        if bundle.to_text().len() > MAX_BYTES {
            return Err(IssueError::TooLarge);
        }
        Ok(bundle)
    }

    /// Reads a bundle. That it can be read proves nothing: see [`crate::check`].
    ///
    /// # Errors
    /// See [`ParseError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let bundle = read::bundle(bytes).map_err(ParseError::Malformed)?;
        match bundle.first_difference(bytes) {
            None => Ok(bundle),
            Some(line) => Err(ParseError::NotCanonical { line }),
        }
    }

    /// Reads also what is spelled otherwise, and says in which line that shows first.
    pub(crate) fn parse_any_spelling(bytes: &[u8]) -> Result<(Self, Option<usize>), String> {
        let bundle = read::bundle(bytes)?;
        let line = bundle.first_difference(bytes);
        Ok((bundle, line))
    }

    /// The line from 1 where `bytes` are not [`Bundle::to_text`].
    fn first_difference(&self, bytes: &[u8]) -> Option<usize> {
        let text = self.to_text();
        if text.as_bytes() == bytes {
            return None;
        }
        let same = text
            .bytes()
            .zip(bytes)
            .take_while(|(one, other)| one == *other)
            .count();
        let lines = bytes[..same].iter().filter(|byte| **byte == b'\n').count();
        Some(lines + 1)
    }

    /// Whether its closing statement is signed by one of `keys`.
    ///
    /// # Errors
    /// What is wrong with the signature.
    pub fn verify_statement(&self, keys: &PublicKeys) -> Result<(), Invalid> {
        let heading = Heading {
            referral: self.referral,
            reference: self.reference.clone(),
            owner: self.owner.clone(),
            issued_at: self.issued_at,
        };
        let Statement {
            position,
            digest,
            signature,
        } = &self.statement;
        keys.verify(&statement(&heading, *position, digest), signature)
    }

    /// The one spelling: JSON with a receipt a line, fields in this order, hex digits in lower case,
    /// instants in UTC with microseconds, what is absent left out, and a line feed at the end.
    #[must_use]
    pub fn to_text(&self) -> String {
        // What a receipt with a signature takes.
        let mut text = String::with_capacity(1_024 + self.receipts.len() * 600);
        self.write(&mut text)
            .expect("a string takes whatever is written");
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "{{\n  \"format\": \"{FORMAT}\",")?;
        writeln!(text, "  \"referral\": \"referrals/{}\",", self.referral)?;
        writeln!(text, "  \"reference\": {},", quoted(&self.reference))?;
        writeln!(text, "  \"owner\": \"{}\",", self.owner)?;
        writeln!(text, "  \"issued_at\": \"{}\",", instant(self.issued_at))?;
        text.push_str("  \"receipts\": [");
        let mut separator = "\n";
        for receipt in &self.receipts {
            write!(text, "{separator}    ")?;
            write_receipt(text, receipt)?;
            separator = ",\n";
        }
        text.push_str("\n  ],\n");
        let statement = &self.statement;
        write!(
            text,
            "  \"statement\": {{\"position\": {}",
            statement.position
        )?;
        write!(text, ", \"digest\": \"{}\"", hex::encode(statement.digest))?;
        write_signature(text, &statement.signature)?;
        text.push_str("}\n}\n");
        Ok(())
    }
}

fn write_receipt(text: &mut String, receipt: &Receipt) -> fmt::Result {
    write!(text, "{{\"referral\": \"referrals/{}\"", receipt.referral)?;
    write!(text, ", \"position\": {}", receipt.position)?;
    write!(text, ", \"at\": \"{}\"", instant(receipt.at))?;
    for (name, value) in [
        ("step", &receipt.step),
        ("state", &receipt.state),
        ("party", &receipt.party),
        ("officer", &receipt.officer),
        ("unit", &receipt.unit),
        ("detail", &receipt.detail),
    ] {
        if !value.is_empty() {
            write!(text, ", \"{name}\": {}", quoted(value))?;
        }
    }
    if let Some(content) = &receipt.content {
        write!(text, ", \"content\": \"{}\"", hex::encode(content))?;
    }
    write!(text, ", \"digest\": \"{}\"", hex::encode(receipt.digest))?;
    if let Some(signature) = &receipt.signature {
        write_signature(text, signature)?;
    }
    text.push('}');
    Ok(())
}

fn write_signature(text: &mut String, signature: &Signature) -> fmt::Result {
    write!(
        text,
        ", \"key\": \"{}\", \"signature\": \"{}\"",
        signature.key,
        hex::encode(signature.bytes)
    )
}

/// A JSON string with no more escapes than JSON demands.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

/// RFC 3339 in UTC with six digits of a second; `at` is between 1970 and 9999.
fn instant(at: Timestamp) -> String {
    let (seconds, nanos) = at.to_seconds_and_nanos();
    let whole = Timestamp::from_seconds(seconds).to_string();
    format!("{}.{:06}Z", whole.trim_end_matches('Z'), nanos / 1_000)
}

/// What closes a bundle, before it is signed.
fn statement(heading: &Heading, position: i64, digest: &Digest) -> Vec<u8> {
    let mut message = tag::STATEMENT.to_vec();
    message.referral(heading.referral);
    message.field(heading.reference.as_bytes());
    message.field(heading.owner.to_string().as_bytes());
    message.instant(heading.issued_at);
    message.integer(position);
    message.bytes(digest);
    message
}
