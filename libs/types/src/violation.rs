//! What is wrong with a field, and how to mend it, in four languages.

use crate::form::Form;
use crate::language::Language;

/// One wrong field. A request is answered with all of its violations at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The path of the field in the request, for example `dossier.persons[2].status`.
    pub field: String,
    /// The rule it breaks.
    pub rule: Rule,
}

impl Violation {
    /// `field` breaks `rule`.
    #[must_use]
    pub fn new(field: impl Into<String>, rule: Rule) -> Self {
        Self {
            field: field.into(),
            rule,
        }
    }
}

/// The rules a field can break. The texts hold the rule's own parameters and never the value given.
///
/// A `&'static str` is a name that is the same in every language: of a field, of a value. What has to
/// be said in words is a [`Form`], so that the whole text is in the reader's language. The
/// exceptions are [`Rule::MalformedSetting`] and [`Rule::WrongRuleSet`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Has to be given.
    Required,
    /// Has to be given because of another field, named here.
    RequiredBecause(&'static str),
    /// Has to be given because of the field named first, unless the one named second is set.
    RequiredUnless(&'static str, &'static str),
    /// At most this many characters.
    TooLong(usize),
    /// At least this many characters.
    TooShort(usize),
    /// At most this many entries.
    TooMany(usize),
    /// Not the known value, which stands here.
    UnknownValue(&'static str),
    /// Not one of the known values, which are described here.
    NotAmong(Form),
    /// Not of the form described here.
    Malformed(Form),
    /// A setting that is not of the form described here. Settings are read by those who run the
    /// system, in English only; no field of a request breaks this rule.
    MalformedSetting(&'static str),
    /// What is wrong with a rule set of the policy, in these words. Rule sets are written in English by
    /// those who answer for them, and so is what is said of them; names in them are repeated, cut short.
    WrongRuleSet(String),
    /// Between these two numbers.
    OutOfRange(i64, i64),
    /// Not in the future.
    InFuture,
    /// Not before the moment given in the field named here.
    Before(&'static str),
    /// No longer valid.
    Expired,
    /// Given twice.
    Duplicate,
    /// Does not go together with the field named here.
    ConflictsWith(&'static str),
    /// Must be the caller's own.
    NotYours,
    /// Holds characters that are not allowed: control, bidirectional override or zero-width.
    ForbiddenCharacters,
    /// Must not be set here.
    NotAllowed,
}

impl Rule {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Required => "REQUIRED",
            Self::RequiredBecause(_) | Self::RequiredUnless(..) => "REQUIRED_BECAUSE",
            Self::TooLong(_) => "TOO_LONG",
            Self::TooShort(_) => "TOO_SHORT",
            Self::TooMany(_) => "TOO_MANY",
            Self::UnknownValue(_) | Self::NotAmong(_) => "UNKNOWN_VALUE",
            Self::Malformed(_) | Self::MalformedSetting(_) | Self::WrongRuleSet(_) => "MALFORMED",
            Self::OutOfRange(..) => "OUT_OF_RANGE",
            Self::InFuture => "IN_FUTURE",
            Self::Before(_) => "BEFORE",
            Self::Expired => "EXPIRED",
            Self::Duplicate => "DUPLICATE",
            Self::ConflictsWith(_) => "CONFLICTS_WITH",
            Self::NotYours => "NOT_YOURS",
            Self::ForbiddenCharacters => "FORBIDDEN_CHARACTERS",
            Self::NotAllowed => "NOT_ALLOWED",
        }
    }

    /// What is wrong and how to mend it.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::En => self.english(),
            Language::Fr => self.french(),
            Language::Es => self.spanish(),
            Language::Ar => self.arabic(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::Required => "is missing; give a value".into(),
            Self::RequiredBecause(other) => format!("is missing; it is needed because of {other}"),
            Self::RequiredUnless(because, other) => {
                format!("is missing; it is needed because of {because}, unless {other} is set")
            }
            Self::TooLong(max) => format!("is too long; at most {max} characters"),
            Self::TooShort(min) => format!("is too short; at least {min} characters"),
            Self::TooMany(max) => format!("has too many entries; at most {max}"),
            Self::UnknownValue(known) => format!("is not a known value; use {known}"),
            Self::NotAmong(form) => {
                format!("is not a known value; use {}", form.text(Language::En))
            }
            Self::Malformed(form) => {
                format!("has the wrong form; write {}", form.text(Language::En))
            }
            Self::MalformedSetting(form) => setting(form),
            Self::WrongRuleSet(says) => says.clone(),
            Self::OutOfRange(min, max) => format!("is out of range; between {min} and {max}"),
            Self::InFuture => "lies in the future; give a past moment".into(),
            Self::Before(other) => format!("lies before {other}; give a later moment"),
            Self::Expired => "is no longer valid; give one that is".into(),
            Self::Duplicate => "is given twice; give it once".into(),
            Self::ConflictsWith(other) => format!("does not go with {other}; change one of them"),
            Self::NotYours => "does not belong to your organisation; give your own".into(),
            Self::ForbiddenCharacters => {
                "holds control, direction or invisible characters; remove them".into()
            }
            Self::NotAllowed => "must not be set here; remove it".into(),
        }
    }

    fn french(&self) -> String {
        match self {
            Self::Required => "est absent ; indiquez une valeur".into(),
            Self::RequiredBecause(other) => format!("est absent ; requis en raison de {other}"),
            Self::RequiredUnless(because, other) => {
                format!("est absent ; requis en raison de {because}, sauf si {other} est indiqué")
            }
            Self::TooLong(max) => format!("est trop long ; {max} caractères au plus"),
            Self::TooShort(min) => format!("est trop court ; {min} caractères au moins"),
            Self::TooMany(max) => format!("a trop d'éléments ; {max} au plus"),
            Self::UnknownValue(known) => format!("n'est pas une valeur connue ; utilisez {known}"),
            Self::NotAmong(form) => {
                format!(
                    "n'est pas une valeur connue ; utilisez {}",
                    form.text(Language::Fr)
                )
            }
            Self::Malformed(form) => {
                format!(
                    "n'a pas la bonne forme ; écrivez {}",
                    form.text(Language::Fr)
                )
            }
            Self::MalformedSetting(form) => setting(form),
            Self::WrongRuleSet(says) => says.clone(),
            Self::OutOfRange(min, max) => format!("est hors limites ; entre {min} et {max}"),
            Self::InFuture => "est dans le futur ; indiquez un moment passé".into(),
            Self::Before(other) => {
                format!("est antérieur à {other} ; indiquez un moment ultérieur")
            }
            Self::Expired => "n'est plus valable ; indiquez-en un qui le soit".into(),
            Self::Duplicate => "est donné deux fois ; donnez-le une fois".into(),
            Self::ConflictsWith(other) => {
                format!("est incompatible avec {other} ; modifiez l'un des deux")
            }
            Self::NotYours => "n'appartient pas à votre organisation ; indiquez le vôtre".into(),
            Self::ForbiddenCharacters => {
                "contient des caractères de contrôle, de direction ou invisibles ; retirez-les"
                    .into()
            }
            Self::NotAllowed => "ne doit pas être indiqué ici ; retirez-le".into(),
        }
    }

    fn spanish(&self) -> String {
        match self {
            Self::Required => "falta; indique un valor".into(),
            Self::RequiredBecause(other) => format!("falta; es necesario debido a {other}"),
            Self::RequiredUnless(because, other) => {
                format!("falta; es necesario debido a {because}, salvo que se indique {other}")
            }
            Self::TooLong(max) => format!("es demasiado largo; como máximo {max} caracteres"),
            Self::TooShort(min) => format!("es demasiado corto; al menos {min} caracteres"),
            Self::TooMany(max) => format!("tiene demasiados elementos; como máximo {max}"),
            Self::UnknownValue(known) => format!("no es un valor conocido; use {known}"),
            Self::NotAmong(form) => {
                format!("no es un valor conocido; use {}", form.text(Language::Es))
            }
            Self::Malformed(form) => {
                format!(
                    "no tiene la forma correcta; escriba {}",
                    form.text(Language::Es)
                )
            }
            Self::MalformedSetting(form) => setting(form),
            Self::WrongRuleSet(says) => says.clone(),
            Self::OutOfRange(min, max) => format!("está fuera de rango; entre {min} y {max}"),
            Self::InFuture => "está en el futuro; indique un momento pasado".into(),
            Self::Before(other) => {
                format!("es anterior a {other}; indique un momento posterior")
            }
            Self::Expired => "ya no es válido; indique uno que lo sea".into(),
            Self::Duplicate => "se da dos veces; indíquelo una vez".into(),
            Self::ConflictsWith(other) => {
                format!("no es compatible con {other}; cambie uno de los dos")
            }
            Self::NotYours => "no pertenece a su organización; indique el suyo".into(),
            Self::ForbiddenCharacters => {
                "contiene caracteres de control, de dirección o invisibles; elimínelos".into()
            }
            Self::NotAllowed => "no debe indicarse aquí; elimínelo".into(),
        }
    }

    fn arabic(&self) -> String {
        match self {
            Self::Required => "ناقص؛ أدخل قيمة".into(),
            Self::RequiredBecause(other) => format!("ناقص؛ مطلوب بسبب {other}"),
            Self::RequiredUnless(because, other) => {
                format!("ناقص؛ مطلوب بسبب {because} ما لم يُذكر {other}")
            }
            Self::TooLong(max) => format!("طويل جداً؛ {max} حرفاً على الأكثر"),
            Self::TooShort(min) => format!("قصير جداً؛ {min} حرفاً على الأقل"),
            Self::TooMany(max) => format!("عناصره كثيرة جداً؛ {max} على الأكثر"),
            Self::UnknownValue(known) => format!("قيمة غير معروفة؛ استخدم {known}"),
            Self::NotAmong(form) => {
                format!("قيمة غير معروفة؛ استخدم {}", form.text(Language::Ar))
            }
            Self::Malformed(form) => {
                format!("صيغته غير صحيحة؛ اكتب {}", form.text(Language::Ar))
            }
            Self::MalformedSetting(form) => setting(form),
            Self::WrongRuleSet(says) => says.clone(),
            Self::OutOfRange(min, max) => format!("خارج النطاق؛ بين {min} و{max}"),
            Self::InFuture => "في المستقبل؛ أدخل وقتاً ماضياً".into(),
            Self::Before(other) => format!("يسبق {other}؛ أدخل وقتاً لاحقاً"),
            Self::Expired => "لم يعد سارياً؛ أدخل ما هو سارٍ".into(),
            Self::Duplicate => "مكرّر؛ اذكره مرة واحدة".into(),
            Self::ConflictsWith(other) => format!("لا يتوافق مع {other}؛ غيّر أحدهما"),
            Self::NotYours => "لا يخص مؤسستكم؛ أدخل ما يخصكم".into(),
            Self::ForbiddenCharacters => {
                "يحتوي على أحرف تحكم أو اتجاه أو أحرف غير مرئية؛ احذفها".into()
            }
            Self::NotAllowed => "لا يجوز ذكره هنا؛ احذفه".into(),
        }
    }
}

/// English for everybody, see [`Rule::MalformedSetting`].
fn setting(form: &str) -> String {
    format!("has the wrong form; write {form}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_speak_four_languages_and_carry_their_bound() {
        let rule = Rule::TooLong(42);
        for language in Language::ALL {
            assert!(rule.text(language).contains("42"), "{language}");
        }
        let texts: Vec<_> = Language::ALL.map(|l| Rule::Required.text(l)).into();
        assert!(texts.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_form_is_said_in_the_language_of_its_sentence() {
        for language in Language::ALL {
            let form = Form::CountryCode.text(language);
            for rule in [
                Rule::Malformed(Form::CountryCode),
                Rule::NotAmong(Form::CountryCode),
            ] {
                assert!(rule.text(language).ends_with(&form), "{language}");
            }
        }
        let rule = Rule::RequiredUnless("status", "identity_unknown");
        assert_eq!(
            rule.text(Language::Fr),
            "est absent ; requis en raison de status, sauf si identity_unknown est indiqué"
        );
        assert_eq!(rule.code(), Rule::RequiredBecause("status").code());
    }

    #[test]
    fn rule_sets_are_told_of_in_their_own_words() {
        let says = "rule a.b: effect \"alow\" is unknown; it is one of allow, deny";
        for language in Language::ALL {
            assert_eq!(Rule::WrongRuleSet(says.into()).text(language), says);
        }
    }

    #[test]
    fn settings_are_english_for_everybody() {
        let rule = Rule::MalformedSetting("a duration, for example 30s");
        for language in Language::ALL {
            assert_eq!(
                rule.text(language),
                "has the wrong form; write a duration, for example 30s"
            );
        }
    }
}
