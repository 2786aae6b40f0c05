//! Purpose limitation: which further use goes with the purpose that the source named.
//!
//! The nine purposes are those of the RPD, Article 10. That information is used for the purpose it was
//! sent for, or for one that goes with it, is theirs; which goes with which is this project's own
//! decision, each with its reason. What is not listed does not go together.

use crate::attribute::PurposeLimitation;

liaison_types::names! {
    /// Why information is processed (RPD, Article 10).
    Purpose {
        /// A wanted person is to be detained or restricted.
        SearchWanted = "SEARCH_WANTED",
        /// A person or an object is to be located.
        Locate = "LOCATE",
        /// Information for an investigation or about a person's criminal activities.
        InvestigationInformation = "INVESTIGATION_INFORMATION",
        /// Others are to be warned of a person, an event or a way of doing.
        Warn = "WARN",
        /// A person or a dead body is to be identified.
        Identify = "IDENTIFY",
        /// A forensic analysis.
        Forensic = "FORENSIC",
        /// A security check.
        SecurityCheck = "SECURITY_CHECK",
        /// Border checks.
        Border = "BORDER",
        /// Analyses of threats and trends.
        ThreatAnalysis = "THREAT_ANALYSIS",
    }
}

/// A further use that goes with a purpose.
#[derive(Clone, Copy, Debug)]
pub struct Compatibility {
    /// What the source sent it for.
    pub source: Purpose,
    /// What it may be used for besides.
    pub further: Purpose,
    /// Why.
    pub reason: &'static str,
}

macro_rules! compatibilities {
    ($($source:ident => $further:ident: $reason:literal,)*) => {
        /// Every further use that goes with another purpose. It is not symmetric.
        pub const COMPATIBLE: &[Compatibility] = &[$(Compatibility {
            source: Purpose::$source,
            further: Purpose::$further,
            reason: $reason,
        },)*];
    };
}

compatibilities! {
    SearchWanted => Locate: "Who is to be detained has to be found first.",
    SearchWanted => Identify: "Who is to be detained must be shown to be the one wanted.",
    SearchWanted => Border: "A wanted person is met at a border more often than elsewhere.",
    SearchWanted => InvestigationInformation: "The investigation is the one the person is wanted for.",
    Locate => Identify: "Who is located must be shown to be the one looked for.",
    Locate => Border: "A missing person or a stolen object is looked for at borders.",
    InvestigationInformation => Identify: "An investigation asks who its persons are.",
    InvestigationInformation => Locate: "An investigation asks where its persons and objects are.",
    InvestigationInformation => Forensic: "Traces of an investigation are examined for it.",
    Warn => Border: "Those who are warned include those who stand at the border.",
    Warn => SecurityCheck: "A warning is heeded by checking for what it warns of.",
    Warn => ThreatAnalysis: "Warnings are what a threat is assessed from.",
    Identify => Forensic: "Identity is established by forensic comparison.",
    Identify => Locate: "A victim is identified in order to be found and brought to safety.",
    Forensic => Identify: "A trace is examined to learn whose it is.",
    Forensic => InvestigationInformation: "The examination was made for an investigation.",
    Border => SecurityCheck: "Both check a person who presents himself against the same lists.",
    ThreatAnalysis => Warn: "A threat is analysed in order to warn of it.",
}

/// The declared purpose of somebody who asks, against that of the source.
#[must_use]
pub fn limitation(source: Purpose, declared: Option<Purpose>) -> PurposeLimitation {
    let Some(further) = declared else {
        return PurposeLimitation::Undeclared;
    };
    if further == source {
        return PurposeLimitation::Same;
    }
    let goes = |entry: &Compatibility| entry.source == source && entry.further == further;
    if COMPATIBLE.iter().any(goes) {
        PurposeLimitation::Compatible
    } else {
        PurposeLimitation::Incompatible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_goes_with_itself_and_only_those_listed_with_another() {
        for source in Purpose::ALL {
            assert_eq!(limitation(*source, None), PurposeLimitation::Undeclared);
            assert_eq!(limitation(*source, Some(*source)), PurposeLimitation::Same);
        }
        for (index, entry) in COMPATIBLE.iter().enumerate() {
            assert_ne!(entry.source, entry.further);
            assert!(entry.reason.ends_with('.'), "{entry:?}");
            let again = |other: &Compatibility| {
                other.source == entry.source && other.further == entry.further
            };
            assert!(
                !COMPATIBLE[index + 1..].iter().any(again),
                "{entry:?} twice"
            );
        }
        for (source, further, expected) in [
            (
                Purpose::Warn,
                Purpose::Border,
                PurposeLimitation::Compatible,
            ),
            (
                Purpose::Border,
                Purpose::Warn,
                PurposeLimitation::Incompatible,
            ),
            (
                Purpose::Locate,
                Purpose::SearchWanted,
                PurposeLimitation::Incompatible,
            ),
            (
                Purpose::SecurityCheck,
                Purpose::Border,
                PurposeLimitation::Incompatible,
            ),
        ] {
            assert_eq!(
                limitation(source, Some(further)),
                expected,
                "{source} {further}"
            );
        }
    }
}
