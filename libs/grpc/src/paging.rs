//! Opaque page tokens (AIP-158).
//!
//! A token says where the next page starts and which query it belongs to. The query is bound by a
//! digest over the method, the party, the filter and the order, so a token that is sent with another
//! query is refused with `PAGE_TOKEN_MISMATCH` instead of giving a page of something else. A token
//! carries **no authority**: it is not signed, a caller may invent one, and all it can do is to move
//! the start within what that caller's own query gives anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use liaison_types::{Error, ErrorKind, Form, Party, Reason, Rule, Violation};
use sha2::{Digest, Sha256};

/// First byte of every token, so that a later form is told from this one.
const VERSION: u8 = 1;
/// Bytes of the digest that travel.
const DIGEST: usize = 16;
/// Longest token accepted, in characters.
const MAX_TOKEN: usize = 512;

/// The query that a token belongs to.
#[derive(Clone, Debug)]
pub struct Query(Sha256);

impl Query {
    /// The query of `party` on `method`; what else shapes the result is added with [`Query::with`].
    #[must_use]
    pub fn new(method: &str, party: &Party) -> Self {
        Self(Sha256::new()).with(method).with(&party.to_string())
    }

    /// Adds one part: the filter, the order, a parent. The order of the parts matters; the page size
    /// is not a part, a caller may change it between pages.
    #[must_use]
    pub fn with(mut self, part: &str) -> Self {
        // The length first, so that ("ab", "c") and ("a", "bc") differ.
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part.as_bytes());
        self
    }

    /// The token of the page that starts after `position`.
    #[must_use]
    pub fn token(&self, position: &impl Position) -> String {
        let mut bytes = Vec::with_capacity(1 + DIGEST + 24);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.digest());
        position.encode(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Where the page of `token` starts; `None` for the empty token of the first page.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with reason `PAGE_TOKEN_MISMATCH` where the token is damaged or belongs to
    /// another query.
    pub fn position<P: Position>(&self, token: &str) -> Result<Option<P>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        self.read(token).map(Some).ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, Reason::PageTokenMismatch).violations(vec![
                Violation::new("page_token", Rule::Malformed(Form::PageToken)),
            ])
        })
    }

    fn read<P: Position>(&self, token: &str) -> Option<P> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (digest, position) = rest.split_at_checked(DIGEST)?;
        if *version != VERSION || digest != self.digest() {
            return None;
        }
        P::decode(position)
    }

    fn digest(&self) -> [u8; DIGEST] {
        let whole: [u8; 32] = self.0.clone().finalize().into();
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(&whole[..DIGEST]);
        digest
    }
}

/// A place in an ordered result: the sort key of the last row of a page.
pub trait Position: Sized {
    /// Appends the place.
    fn encode(&self, to: &mut Vec<u8>);
    /// Reads what [`Position::encode`] wrote, all of it.
    fn decode(from: &[u8]) -> Option<Self>;
}

impl Position for i64 {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.to_be_bytes());
    }

    fn decode(from: &[u8]) -> Option<Self> {
        from.try_into().ok().map(Self::from_be_bytes)
    }
}

impl Position for uuid::Uuid {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.as_bytes());
    }

    fn decode(from: &[u8]) -> Option<Self> {
        Self::from_slice(from).ok()
    }
}

impl Position for String {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.as_bytes());
    }

    fn decode(from: &[u8]) -> Option<Self> {
        Self::from_utf8(from.to_vec()).ok()
    }
}

/// A fixed-size number followed by whatever makes it unique: (creation time, id).
impl<P: Position> Position for (i64, P) {
    fn encode(&self, to: &mut Vec<u8>) {
        self.0.encode(to);
        self.1.encode(to);
    }

    fn decode(from: &[u8]) -> Option<Self> {
        let (first, second) = from.split_first_chunk::<8>()?;
        Some((i64::from_be_bytes(*first), P::decode(second)?))
    }
}

/// How many rows a page holds where nobody asks.
pub const DEFAULT_PAGE_SIZE: u32 = 50;
/// How many rows a page holds at most; a larger request is cut, as AIP-158 says.
pub const MAX_PAGE_SIZE: u32 = 1000;

/// The page size to use where `asked` was asked: zero means the default, too many means the maximum.
///
/// # Errors
/// A violation on `page_size` where it is negative.
pub fn page_size(asked: i32) -> Result<u32, Violation> {
    match u32::try_from(asked) {
        Ok(0) => Ok(DEFAULT_PAGE_SIZE),
        Ok(asked) => Ok(asked.min(MAX_PAGE_SIZE)),
        Err(_) => Err(Violation::new(
            "page_size",
            Rule::OutOfRange(0, i64::from(MAX_PAGE_SIZE)),
        )),
    }
}

/// Cuts `rows`, of which one more than `page_size` was read, to a page; the token is empty on the
/// last page.
pub fn page<T, P: Position>(
    query: &Query,
    mut rows: Vec<T>,
    page_size: u32,
    position: impl FnOnce(&T) -> P,
) -> (Vec<T>, String) {
    let size = usize::try_from(page_size).unwrap_or(usize::MAX);
    if rows.len() <= size {
        return (rows, String::new());
    }
    rows.truncate(size);
    let token = rows
        .last()
        .map(|last| query.token(&position(last)))
        .unwrap_or_default();
    (rows, token)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn query(party: &str, filter: &str) -> Query {
        Query::new("ListReferrals", &party.parse().unwrap()).with(filter)
    }

    #[test]
    fn a_token_of_another_query_is_refused() {
        let token = query("bureau/NB-FR", "state=ADMITTED").token(&(7, Uuid::nil()));
        let same = query("bureau/NB-FR", "state=ADMITTED");
        assert_eq!(same.position(&token).unwrap(), Some((7, Uuid::nil())));
        for other in [
            query("bureau/NB-DE", "state=ADMITTED"),
            query("bureau/NB-FR", "state=CLOSED"),
            query("bureau/NB-FR", "state=ADMITTED").with(""),
        ] {
            let error = other.position::<(i64, Uuid)>(&token).unwrap_err();
            assert_eq!(error.reason(), Reason::PageTokenMismatch);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
        assert_eq!(same.position::<i64>("").unwrap(), None);
        assert!(
            same.position::<i64>(&token).is_err(),
            "another kind of position"
        );
    }

    #[test]
    fn pages_end() {
        let query = query("bureau/NB-FR", "");
        let (rows, token) = page(&query, vec![1_i64, 2, 3], 2, |row| *row);
        assert_eq!(rows, [1, 2]);
        assert_eq!(query.position(&token).unwrap(), Some(2_i64));
        let (rows, token) = page(&query, vec![3_i64], 2, |row| *row);
        assert_eq!((rows.as_slice(), token.as_str()), ([3].as_slice(), ""));
    }

    #[test]
    fn page_sizes_are_bounded() {
        assert_eq!(page_size(0), Ok(DEFAULT_PAGE_SIZE));
        assert_eq!(page_size(7), Ok(7));
        assert_eq!(page_size(i32::MAX), Ok(MAX_PAGE_SIZE));
        assert_eq!(page_size(-1).unwrap_err().field, "page_size");
    }

    proptest! {
        #[test]
        fn positions_round_trip(number: i64, id: u128, text in ".{0,40}") {
            let query = query("unit/cyber", "x");
            let id = Uuid::from_u128(id);
            prop_assert_eq!(query.position(&query.token(&(number, id))).unwrap(), Some((number, id)));
            prop_assert_eq!(query.position(&query.token(&text)).unwrap(), Some(text));
        }

        #[test]
        fn arbitrary_tokens_never_panic(token in ".{0,600}") {
            let answer = query("unit/cyber", "x").position::<(i64, Uuid)>(&token);
            prop_assert!(token.is_empty() || answer.is_err());
        }
    }
}
