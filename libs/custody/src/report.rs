//! Is a bundle sound, what is wrong with it, and what happened to the referral.

use std::fmt;

use crate::bundle::Bundle;
use crate::problem::{Problem, Warning};
use crate::receipt;
use crate::signature::PublicKeys;
use crate::words;

/// What was found out about a bundle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// What it says; none where it could not be read.
    pub bundle: Option<Bundle>,
    /// Everything that is wrong, what concerns the whole first, then by position. None: it is sound.
    pub problems: Vec<Problem>,
    /// What is strange and proves nothing.
    pub warnings: Vec<Warning>,
}

/// Checks a bundle against the keys somebody trusts.
///
/// Sound means: one of these keys signed every step of this referral from the first up to the one
/// the bundle was closed at, nothing of it was changed, and the bundle itself was signed as it is.
/// What happened after it was issued, a bundle cannot know.
#[must_use]
pub fn check(bytes: &[u8], keys: &PublicKeys) -> Report {
    let (bundle, differs) = match Bundle::parse_any_spelling(bytes) {
        Ok(read) => read,
        Err(reason) => {
            return Report {
                bundle: None,
                problems: vec![Problem::NotABundle { reason }],
                warnings: Vec::new(),
            };
        }
    };
    let mut problems: Vec<Problem> = differs
        .map(|line| Problem::NotCanonical { line })
        .into_iter()
        .collect();
    if let Err(wrong) = receipt::verify(&bundle.receipts, bundle.referral, keys) {
        problems.extend(wrong);
    }
    problems.extend(closing(&bundle, keys));
    problems.sort_by_key(Problem::rank);
    let mut warnings = receipt::warnings(&bundle.receipts);
    if let Some(last) = bundle.receipts.last()
        && bundle.issued_at < last.at
    {
        let position = last.position;
        warnings.push(Warning::IssuedEarly { position });
    }
    Report {
        bundle: Some(bundle),
        problems,
        warnings,
    }
}

/// What is wrong with the closing statement.
fn closing(bundle: &Bundle, keys: &PublicKeys) -> Vec<Problem> {
    let mut problems = Vec::new();
    let closed = bundle.statement.position;
    if let Some(receipt) = bundle.receipts.last() {
        let last = receipt.position;
        if last < closed {
            problems.push(Problem::CutOff { last, closed });
        } else if last > closed {
            problems.push(Problem::Extended { last, closed });
        } else if receipt.digest != bundle.statement.digest {
            problems.push(Problem::StatementDigest { position: last });
        }
    }
    if let Err(invalid) = bundle.verify_statement(keys) {
        problems.push(Problem::StatementSignature { invalid });
    }
    problems
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    /// The verdict in one sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        let Some(bundle) = &self.bundle else {
            return "NOT A BUNDLE: nothing can be said about it.".to_owned();
        };
        let about = format!(
            "{} ({}), issued {}",
            words::shown(&bundle.reference),
            words::party(&bundle.owner.to_string()),
            words::when(bundle.issued_at),
        );
        match (self.problems.len(), bundle.receipts.len()) {
            (0, 1) => format!("SOUND: {about}: its one step is proved."),
            (0, steps) => format!(
                "SOUND: {about}: all {steps} steps are proved; none is missing, moved or altered."
            ),
            (1, _) => format!("NOT SOUND: {about}: one thing is wrong."),
            (wrong, _) => format!("NOT SOUND: {about}: {wrong} things are wrong."),
        }
    }

    /// What happened, a sentence a step. Proved only where the bundle is sound.
    #[must_use]
    pub fn life(&self) -> Vec<String> {
        let receipts = self.bundle.iter().flat_map(|bundle| &bundle.receipts);
        receipts.map(words::sentence).collect()
    }
}

impl fmt::Display for Report {
    /// The verdict, what is wrong, what is strange, and the life; a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.verdict())?;
        for problem in &self.problems {
            writeln!(f, "  wrong: {problem}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "  strange: {warning}")?;
        }
        if self.bundle.is_some() && !self.is_sound() {
            writeln!(f, "What it says, which is not proved:")?;
        }
        for (number, sentence) in (1..).zip(self.life()) {
            writeln!(f, "{number:>3}  {sentence}")?;
        }
        Ok(())
    }
}
