//! How a field has to be written, in four languages.
//!
//! The list is closed, so that no text of one language gets into a sentence of another.

use crate::language::Language;

/// The place of a form's own word in its texts: the collection, the prefix.
const WORD: &str = "{}";

macro_rules! forms {
    (
        alone {$($(#[$doc:meta])* $name:ident $(as $example:literal)? {
            en: $en:literal, fr: $fr:literal, es: $es:literal, ar: $ar:literal $(,)?
        })*}
        with_a_word {$($(#[$of_doc:meta])* $of:ident($sample:literal) $(as $of_example:literal)? {
            en: $of_en:literal, fr: $of_fr:literal, es: $of_es:literal, ar: $of_ar:literal $(,)?
        })*}
    ) => {
        /// What a field of a request can be asked to look like. The texts follow "write" and "use".
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Form {
            $($(#[$doc])* $name,)*
            $($(#[$of_doc])* $of(&'static str),)*
        }

        impl Form {
            /// Every form; those that hold a word of the schema with one that it may be.
            pub const ALL: &'static [Self] = &[$(Self::$name,)* $(Self::$of($sample),)*];

            /// The text with [`WORD`] in it.
            const fn pattern(self, language: Language) -> &'static str {
                let [en, fr, es, ar] = match self {
                    $(Self::$name => [$en, $fr, $es, $ar],)*
                    $(Self::$of(_) => [$of_en, $of_fr, $of_es, $of_ar],)*
                };
                match language {
                    Language::En => en,
                    Language::Fr => fr,
                    Language::Es => es,
                    Language::Ar => ar,
                }
            }

            /// The example with [`WORD`] in it; empty where there is none.
            const fn example_pattern(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($example)?),)*
                    $(Self::$of(_) => concat!($($of_example)?),)*
                }
            }

            const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => "",)*
                    $(Self::$of(word) => word,)*
                }
            }
        }
    };
}

forms! {
    alone {
        /// A code of the International Classification of Crime for Statistical Purposes.
        IccsCode as "0204" {
            en: "2, 4, 5 or 6 digits of the ICCS, beginning with 01 to 11",
            fr: "2, 4, 5 ou 6 chiffres de l'ICCS, commençant par 01 à 11",
            es: "2, 4, 5 o 6 dígitos de la ICCS, que empiezan por 01 a 11",
            ar: "2 أو 4 أو 5 أو 6 أرقام من تصنيف ICCS، تبدأ من 01 إلى 11",
        }
        /// A country.
        CountryCode as "FR" {
            en: "an ISO 3166-1 alpha-2 code",
            fr: "un code de pays ISO 3166-1 à deux lettres",
            es: "un código de país ISO 3166-1 de dos letras",
            ar: "رمز بلد من حرفين وفق ISO 3166-1",
        }
        /// The name of a specialised unit.
        UnitName as "cyber" {
            en: "a unit's name",
            fr: "le nom d'une unité",
            es: "el nombre de una unidad",
            ar: "اسم وحدة",
        }
        /// The name of a desk.
        DeskName as "financing" {
            en: "a desk's name",
            fr: "le nom d'une cellule",
            es: "el nombre de una mesa",
            ar: "اسم قسم",
        }
        /// The short form of a party.
        PartyName as "bureau/NB-FR" {
            en: "the name of a party",
            fr: "le nom d'une partie",
            es: "el nombre de una parte",
            ar: "اسم طرف",
        }
        /// A UUID, in any spelling.
        Uuid as "6f1c1f0e-5d0b-4f6e-9f0e-2b1f3a4c5d6e" {
            en: "a UUID",
            fr: "un identifiant UUID",
            es: "un identificador UUID",
            ar: "معرّف UUID",
        }
        /// The acting officer in the metadata.
        OfficerName as "badge-17" {
            en: "one name of 1 to 64 unaccented letters, digits and . _ - @ :",
            fr: "un seul nom de 1 à 64 lettres sans accent, chiffres et . _ - @ :",
            es: "un solo nombre de 1 a 64 letras sin acento, cifras y . _ - @ :",
            ar: "اسماً واحداً من 1 إلى 64 حرفاً لاتينياً أو رقماً أو . _ - @ :",
        }
        /// A page token.
        PageToken {
            en: "the next_page_token of the same query, unchanged",
            fr: "le next_page_token de la même requête, inchangé",
            es: "el next_page_token de la misma consulta, sin cambios",
            ar: "قيمة next_page_token للاستعلام نفسه دون تغيير",
        }
        /// A cursor of notifications.
        Cursor {
            en: "a cursor that you received, unchanged",
            fr: "un curseur que vous avez reçu, inchangé",
            es: "un cursor que haya recibido, sin cambios",
            ar: "مؤشراً سبق أن تلقيته دون تغيير",
        }
        /// An instant.
        Instant {
            en: "seconds and nanos within the range of the schema",
            fr: "les champs seconds et nanos dans les limites du schéma",
            es: "los campos seconds y nanos dentro de los límites del esquema",
            ar: "الحقلين seconds و nanos ضمن حدود المخطط",
        }
        /// A span of time.
        Span {
            en: "seconds and nanos, not negative",
            fr: "les champs seconds et nanos, sans valeur négative",
            es: "los campos seconds y nanos, sin valores negativos",
            ar: "الحقلين seconds و nanos بلا قيم سالبة",
        }
        /// A date of birth, as far as it is known.
        DateOfBirth as "1984-05" {
            en: "a past date as YYYY, YYYY-MM or YYYY-MM-DD",
            fr: "une date passée sous la forme AAAA, AAAA-MM ou AAAA-MM-JJ",
            es: "una fecha pasada con la forma AAAA, AAAA-MM o AAAA-MM-DD",
            ar: "تاريخاً ماضياً على شكل سنة أو سنة-شهر أو سنة-شهر-يوم",
        }
        /// A telephone number.
        Phone as "+33612345678" {
            en: "a telephone number with + and country code",
            fr: "un numéro de téléphone avec + et l'indicatif du pays",
            es: "un número de teléfono con + y el prefijo del país",
            ar: "رقم هاتف مع + ورمز البلد",
        }
        /// An e-mail address.
        Email as "name@example.org" {
            en: "an e-mail address",
            fr: "une adresse électronique",
            es: "una dirección de correo electrónico",
            ar: "عنوان بريد إلكتروني",
        }
        /// An IP address.
        IpAddress as "2001:db8::17" {
            en: "an IPv4 or IPv6 address",
            fr: "une adresse IPv4 ou IPv6",
            es: "una dirección IPv4 o IPv6",
            ar: "عنوان IPv4 أو IPv6",
        }
        /// A digest as text.
        FileHash {
            en: "SHA-256 as 64 hexadecimal digits",
            fr: "une empreinte SHA-256 en 64 chiffres hexadécimaux",
            es: "un resumen SHA-256 en 64 dígitos hexadecimales",
            ar: "بصمة SHA-256 من 64 خانة سداسية عشرية",
        }
        /// A digest as bytes.
        Digest {
            en: "SHA-256 as 32 bytes",
            fr: "une empreinte SHA-256 de 32 octets",
            es: "un resumen SHA-256 de 32 octetos",
            ar: "بصمة SHA-256 من 32 بايت",
        }
        /// A media type.
        MediaType as "image/jpeg" {
            en: "an IANA media type",
            fr: "un type de média de l'IANA",
            es: "un tipo de medio de la IANA",
            ar: "نوع وسائط من سجل IANA",
        }
        /// Text without white space.
        Word {
            en: "one word",
            fr: "un seul mot",
            es: "una sola palabra",
            ar: "كلمة واحدة",
        }
        /// A desk of the calling unit.
        OwnDesk {
            en: "a desk of your unit",
            fr: "une cellule de votre unité",
            es: "una mesa de su unidad",
            ar: "قسماً من وحدتكم",
        }
        /// A unit that is configured.
        ConfiguredUnit {
            en: "one of the configured units",
            fr: "une des unités configurées",
            es: "una de las unidades configuradas",
            ar: "إحدى الوحدات المهيّأة",
        }
        /// A ground on which what is no unit's business is refused.
        NoUnitGround {
            en: "one of NOT_AVAILABLE, BELOW_THRESHOLD, NOT_AN_OFFENCE and PURPOSE; \
                 the other grounds are for the compliance desk",
            fr: "un des motifs NOT_AVAILABLE, BELOW_THRESHOLD, NOT_AN_OFFENCE et \
                 PURPOSE ; les autres relèvent du bureau de conformité",
            es: "uno de los motivos NOT_AVAILABLE, BELOW_THRESHOLD, NOT_AN_OFFENCE y \
                 PURPOSE; los demás corresponden a la mesa de conformidad",
            ar: "أحد الأسباب: NOT_AVAILABLE، BELOW_THRESHOLD، NOT_AN_OFFENCE، PURPOSE؛ \
                 أما غيرها فمن اختصاص مكتب الامتثال",
        }
        /// A scheme of evaluating information.
        EvaluationScheme {
            en: "4x4 or 6x6",
            fr: "4x4 ou 6x6",
            es: "4x4 o 6x6",
            ar: "4x4 أو 6x6",
        }
        /// The grade of a source.
        EvaluationSource {
            en: "A, B, C, X in 4x4, A to F in 6x6",
            fr: "A, B, C, X en 4x4, de A à F en 6x6",
            es: "A, B, C, X en 4x4, de la A a la F en 6x6",
            ar: "A أو B أو C أو X في 4x4، ومن A إلى F في 6x6",
        }
        /// The grade of an information.
        EvaluationInformation {
            en: "1 to 4 in 4x4, 1 to 6 in 6x6",
            fr: "de 1 à 4 en 4x4, de 1 à 6 en 6x6",
            es: "del 1 al 4 en 4x4, del 1 al 6 en 6x6",
            ar: "من 1 إلى 4 في 4x4، ومن 1 إلى 6 في 6x6",
        }
    }
    with_a_word {
        /// The name of a resource in this collection.
        ResourceName("referrals") as "{}/01890a5d-ac96-774b-bcce-b302099a8057" {
            en: "the resource name with its UUID in lower case",
            fr: "le nom de la ressource avec son UUID en minuscules",
            es: "el nombre del recurso con su UUID en minúsculas",
            ar: "اسم المورد مع معرّف UUID بأحرف صغيرة",
        }
        /// A value of the schema's enum whose values start like this.
        EnumValue("URGENCY_") {
            en: "one of the schema's values {}*",
            fr: "une des valeurs {}* du schéma",
            es: "uno de los valores {}* del esquema",
            ar: "إحدى قيم المخطط \u{2066}{}*\u{2069}",
        }
    }
}

impl Form {
    /// What to write, with an example where one helps.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        let mut text = self.pattern(language).replace(WORD, self.word());
        if let Some(example) = self.example() {
            let (before, after) = match language {
                Language::En => (", for example ", ""),
                Language::Fr => (", par exemple ", ""),
                Language::Es => (", por ejemplo ", ""),
                // Isolated, or signs at its ends would be shown on the other side.
                Language::Ar => ("، مثلاً \u{2066}", "\u{2069}"),
            };
            text.extend([before, &example, after]);
        }
        text
    }

    /// A value of this form; `None` where no made-up one is of use, as of a token.
    #[must_use]
    pub fn example(self) -> Option<String> {
        let pattern = self.example_pattern();
        (!pattern.is_empty()).then(|| pattern.replace(WORD, self.word()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    /// Names of standards, of fields and of values: the same in every language.
    const NAMES: &[&str] = &[
        "ICCS",
        "ISO",
        "UUID",
        "SHA",
        "IPv4",
        "IPv6",
        "IANA",
        "next_page_token",
        "seconds",
        "nanos",
        "4x4",
        "6x6",
        "A",
        "B",
        "C",
        "F",
        "X",
        "URGENCY_",
        "NOT_AVAILABLE",
        "BELOW_THRESHOLD",
        "NOT_AN_OFFENCE",
        "PURPOSE",
    ];

    /// Words that two languages happen to share.
    const SHARED: &[&str] = &["a", "code", "cursor", "date", "DD", "MM", "type"];

    /// The words in Latin letters, but for names and the example.
    fn latin_words(form: Form, language: Language) -> BTreeSet<String> {
        let mut text = form.text(language);
        if let Some(example) = form.example() {
            assert!(text.contains(&example), "{form:?} {language}: {text}");
            text = text.replace(&example, "");
        }
        text.split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| word.chars().any(|c| c.is_ascii_alphabetic()))
            .filter(|word| !NAMES.contains(word))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_form_is_said_in_each_language_and_in_no_other() {
        for form in Form::ALL {
            let texts: HashSet<_> = Language::ALL.map(|l| form.text(l)).into();
            assert_eq!(texts.len(), Language::ALL.len(), "{form:?}");

            let arabic = form.text(Language::Ar);
            let letters = arabic.chars().filter(|c| c.is_alphabetic());
            assert!(
                letters
                    .filter(|c| ('\u{600}'..='\u{6ff}').contains(c))
                    .count()
                    >= 2,
                "{form:?}: {arabic}"
            );
            assert_eq!(
                latin_words(*form, Language::Ar),
                BTreeSet::new(),
                "{form:?}: {arabic}"
            );

            let english = latin_words(*form, Language::En);
            for language in [Language::Fr, Language::Es] {
                let words = latin_words(*form, language);
                let left: Vec<_> = words
                    .intersection(&english)
                    .filter(|word| !SHARED.contains(&word.as_str()))
                    .collect();
                assert!(left.is_empty(), "{form:?} {language}: {left:?}");
            }
        }
    }

    #[test]
    fn examples_stand_in_the_text() {
        assert_eq!(
            Form::ResourceName("tasks").text(Language::Fr),
            "le nom de la ressource avec son UUID en minuscules, par exemple \
             tasks/01890a5d-ac96-774b-bcce-b302099a8057"
        );
        assert_eq!(
            Form::EnumValue("TLP_").text(Language::Es),
            "uno de los valores TLP_* del esquema"
        );
        assert_eq!(
            Form::Phone.text(Language::Ar),
            "رقم هاتف مع + ورمز البلد، مثلاً \u{2066}+33612345678\u{2069}"
        );
        for form in Form::ALL {
            let example = form.example().unwrap_or_default();
            assert!(!example.contains(WORD), "{form:?}: {example}");
        }
    }

    #[test]
    fn examples_have_the_form_they_show() {
        let example = |form: Form| form.example().unwrap();
        assert!(example(Form::IccsCode).parse::<crate::IccsCode>().is_ok());
        assert!(
            example(Form::CountryCode)
                .parse::<crate::CountryCode>()
                .is_ok()
        );
        assert!(example(Form::UnitName).parse::<crate::UnitCode>().is_ok());
        assert!(example(Form::DeskName).parse::<crate::DeskCode>().is_ok());
        assert!(example(Form::PartyName).parse::<crate::Party>().is_ok());
        assert!(example(Form::Uuid).parse::<uuid::Uuid>().is_ok());
        assert!(example(Form::IpAddress).parse::<std::net::IpAddr>().is_ok());
        let name = example(Form::ResourceName("referrals"));
        let id = name.strip_prefix("referrals/").unwrap();
        assert!(id.parse::<crate::ReferralId>().is_ok());
    }
}
