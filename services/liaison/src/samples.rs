//! The sample dossiers of `tests/samples`, compiled in so that `liaison demo` needs no files.

/// A sample and the bureau that sends it in the demo.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// File name without its ending.
    pub name: &'static str,
    /// The sending bureau's code.
    pub bureau: &'static str,
    /// The dossier as YAML.
    pub text: &'static str,
}

macro_rules! samples {
    ($($name:literal from $bureau:literal,)*) => {
        /// All samples in the order of their numbers.
        pub const ALL: &[Sample] = &[$(Sample {
            name: $name,
            bureau: $bureau,
            text: include_str!(concat!("../../../tests/samples/", $name, ".yaml")),
        }),*];
    };
}

samples! {
    "01-forced-labour" from "NB-GB",
    "02-abus-en-ligne" from "NB-FR",
    "03-rescate-hospital" from "NB-ES",
    "04-phishing-ring" from "NB-IE",
    "05-contenedores" from "NB-CO",
    "06-armes-a-feu" from "NB-BE",
    "07-terrorist-financing" from "NB-MA",
    "08-planned-attack" from "NB-SE",
    "09-migrant-smuggling" from "NB-TN",
    "10-incomplete" from "NB-GB",
    "11-beliefs" from "NB-CH",
    "12-stolen-painting" from "NB-PT",
}
