//! One word in the forms it is looked up by.
//!
//! Lexicon and text go through the same functions, so a form need not be a real stem; it must only be
//! the same on both sides. Latin script: plural `s` and a final gender vowel of long words go. Arabic:
//! article and proclitics, plural and pronoun endings go; because a first letter may be a proclitic or
//! part of the word, the text offers both readings and the lexicon the word itself.

/// Whether a form is a word as it may stand in a text, or what is left of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The word itself, in Arabic also without article or proclitic.
    Word,
    /// Without its ending.
    Stem,
}

/// Calls `out` with every form of a folded word that the lexicon may know it by, the word itself first.
pub(super) fn each_form(word: &str, mut out: impl FnMut(&str, Form)) {
    if word.starts_with(is_arabic) {
        each_arabic_form(word, out);
        return;
    }
    out(word, Form::Word);
    let stem = latin_stem(word);
    if stem.len() != word.len() {
        out(stem, Form::Stem);
    }
}

/// The one form a word of the lexicon has.
pub(super) fn lexicon_form(word: &str) -> &str {
    if word.starts_with(is_arabic) {
        arabic_ending_off(arabic_article_off(word).unwrap_or(word))
    } else {
        latin_stem(word)
    }
}

/// The beginning that a lexicon word with `*` asks for.
pub(super) fn lexicon_beginning(word: &str) -> &str {
    if word.starts_with(is_arabic) {
        arabic_article_off(word).unwrap_or(word)
    } else {
        word
    }
}

fn is_arabic(c: char) -> bool {
    ('\u{0620}'..='\u{06FF}').contains(&c)
}

fn latin_stem(word: &str) -> &str {
    if !word.is_ascii() || word.len() < 4 {
        return word;
    }
    let mut stem = word;
    if let Some(cut) = stem.strip_suffix('s')
        && !cut.ends_with(['s', 'u', 'i'])
    {
        stem = cut;
    }
    if stem.len() >= 6
        && let Some(cut) = stem.strip_suffix(['e', 'a', 'o'])
    {
        stem = cut;
    }
    stem
}

/// Article with what may stand before it, longest first.
const ARTICLES: [&str; 10] = [
    "وبال", "فبال", "وكال", "وال", "فال", "بال", "كال", "ولل", "لل", "ال",
];

/// Conjunctions and prepositions written as one with the next word, longest first.
const PROCLITICS: [&str; 10] = ["ول", "وب", "فل", "فب", "و", "ف", "ب", "ل", "ك", "س"];

/// Dual, plural and pronoun endings, longest first.
const ENDINGS: [&str; 10] = ["هما", "ها", "هم", "هن", "نا", "كم", "ات", "ان", "ون", "ين"];

fn each_arabic_form(word: &str, mut out: impl FnMut(&str, Form)) {
    let mut both = |reading: &str| {
        out(reading, Form::Word);
        let bare = arabic_ending_off(reading);
        if bare.len() != reading.len() {
            out(bare, Form::Stem);
        }
    };
    both(word);
    if let Some(rest) = arabic_article_off(word) {
        both(rest);
        // "الالكتروني": the word itself begins like the article.
        if let Some(inner) = rest.strip_prefix("ال").filter(|inner| letters(inner) >= 3) {
            both(inner);
        }
        return;
    }
    for proclitic in PROCLITICS {
        if let Some(rest) = word
            .strip_prefix(proclitic)
            .filter(|rest| letters(rest) >= 3)
        {
            both(rest);
        }
    }
}

fn arabic_article_off(word: &str) -> Option<&str> {
    ARTICLES
        .iter()
        .find_map(|article| word.strip_prefix(article))
        .filter(|rest| letters(rest) >= 2)
}

fn arabic_ending_off(word: &str) -> &str {
    let mut bare = word;
    if let Some(rest) = ENDINGS
        .iter()
        .find_map(|ending| bare.strip_suffix(ending).filter(|rest| letters(rest) >= 3))
        // "جنسيات", nationalities, must not become "جنسي", sexual.
        && !(bare.ends_with("ات") && rest.ends_with('ي'))
    {
        bare = rest;
    }
    if let Some(rest) = bare.strip_suffix(['ه', 'ت'])
        && letters(rest) >= 3
        // The same for "جنسية", nationality.
        && !rest.ends_with('ي')
    {
        bare = rest;
    }
    bare
}

/// Letters of a folded Arabic word: two bytes each.
fn letters(word: &str) -> usize {
    word.len() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(word: &str) -> Vec<String> {
        let mut all = Vec::new();
        each_form(word, |form, _| all.push(form.to_owned()));
        all
    }

    #[test]
    fn number_and_gender_do_not_matter_in_latin_script() {
        for (text, lexicon) in [
            ("traficantes", "traficante"),
            ("detenidas", "detenido"),
            ("mineures", "mineur"),
            ("menores", "menor"),
            ("weapons", "weapon"),
            ("carteles", "cartel"),
        ] {
            let form = lexicon_form(lexicon).to_owned();
            assert!(forms(text).contains(&form), "{text} {lexicon} {form}");
        }
        assert_eq!(lexicon_form("isis"), "isis");
        assert_eq!(lexicon_form("virus"), "virus");
    }

    #[test]
    fn arabic_clitics_and_endings_do_not_matter() {
        for (text, lexicon) in [
            ("والمخدرات", "مخدرات"),
            ("بالمخدرات", "المخدرات"),
            ("للمخدرات", "مخدرات"),
            ("وبالاسلحه", "اسلحه"),
            ("قاصرات", "قاصر"),
            ("الطفله", "طفل"),
            ("لتهريب", "تهريب"),
            ("الالكتروني", "الكتروني"),
            ("عائلتها", "عائله"),
        ] {
            let form = lexicon_form(lexicon).to_owned();
            assert!(forms(text).contains(&form), "{text} {lexicon} {form}");
        }
        assert!(!forms("جنسيات").contains(&"جنسي".to_owned()));
    }
}
