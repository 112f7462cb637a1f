//! Legacy encodings, and a measure of how implausible a decoded text is.

use encoding_rs::{Encoding, WINDOWS_1252};
use oem_cp::code_table::{
    DECODING_TABLE_CP437, DECODING_TABLE_CP737, DECODING_TABLE_CP775, DECODING_TABLE_CP852,
};

use crate::code_pages;

/// An encoding of bytes beyond ASCII.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Legacy {
    /// One of the Encoding Standard.
    Standard(&'static Encoding),
    /// One that the standard does not have.
    Page(&'static Page),
}

/// The upper half of a code page.
#[derive(Debug)]
pub(crate) struct Page {
    name: &'static str,
    table: &'static [char; 128],
    /// Whether it must fit better than a common one.
    pub(crate) is_rare: bool,
}

/// Code pages of DOS and the Mac, most common first.
pub(crate) static PAGES: [Page; 9] = [
    Page::common("IBM850", &code_pages::DOS_LATIN),
    Page::common("IBM437", &DECODING_TABLE_CP437),
    Page::common("IBM852", &DECODING_TABLE_CP852),
    Page::rare("IBM857", &code_pages::DOS_TURKISH),
    Page::rare("IBM737", &DECODING_TABLE_CP737),
    Page::rare("IBM775", &DECODING_TABLE_CP775),
    Page::rare("x-mac-ce", &code_pages::MAC_CENTRAL_EUROPEAN),
    Page::rare("x-mac-turkish", &code_pages::MAC_TURKISH),
    Page::rare("x-mac-greek", &code_pages::MAC_GREEK),
];

impl Page {
    const fn common(name: &'static str, table: &'static [char; 128]) -> Self {
        Self {
            name,
            table,
            is_rare: false,
        }
    }

    const fn rare(name: &'static str, table: &'static [char; 128]) -> Self {
        Self {
            name,
            table,
            is_rare: true,
        }
    }
}

impl Legacy {
    pub(crate) const WINDOWS_1252: Self = Self::Standard(WINDOWS_1252);

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Standard(encoding) => encoding.name(),
            Self::Page(page) => page.name,
        }
    }

    pub(crate) fn decode(self, bytes: &[u8]) -> String {
        match self {
            Self::Standard(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            Self::Page(page) => bytes
                .iter()
                .map(|byte| match byte.checked_sub(128) {
                    Some(upper) => page.table[usize::from(upper)],
                    None => char::from(*byte),
                })
                .collect(),
        }
    }

    /// Returns how implausible a text is in this encoding.
    pub(crate) fn oddness(self, bytes: &[u8]) -> usize {
        let text: Vec<char> = self.decode(bytes).chars().collect();
        let at = |index: usize| text.get(index).copied().unwrap_or(' ');
        if is_mistaken_hungarian(&text) {
            return IMPOSSIBLE * text.iter().filter(|letter| !letter.is_ascii()).count();
        }
        (0..text.len())
            .filter(|index| !text[*index].is_ascii())
            .map(|index| {
                let before = index.checked_sub(1).map_or(' ', at);
                oddness_of(before, text[index], at(index + 1))
            })
            .sum()
    }
}

/// Oddness of a character that no text has.
const IMPOSSIBLE: usize = 8;

/// Returns whether a text would be Hungarian, but for `õ` and `û` instead of `ő` and `ű`. It is if it has no other letters
/// than those: French has no `í`, and Portuguese `õ` only before `e`.
fn is_mistaken_hungarian(text: &[char]) -> bool {
    let lower = |letter: &char| letter.to_lowercase().next().unwrap_or(*letter);
    let letters: Vec<_> = text.iter().map(lower).collect();
    let of_hungary = "áéíóöúüõû";
    let mut foreign = letters
        .iter()
        .filter(|letter| letter.is_alphabetic() && !letter.is_ascii());
    letters.iter().any(|letter| "áíóú".contains(*letter))
        && foreign.all(|letter| of_hungary.contains(*letter))
        && letters.windows(2).any(|pair| match pair {
            ['õ', next] => *next != 'e',
            [letter, _] => *letter == 'û',
            _ => false,
        })
}

/// The script of a letter. Letters of a word share one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    /// A script that may stand beside Latin letters, as in brand names.
    Eastern,
    Other,
}

fn script(letter: char) -> Script {
    match letter {
        'a'..='z' | 'A'..='Z' | '\u{AA}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' => Script::Latin,
        '\u{370}'..='\u{3FF}' => Script::Greek,
        '\u{400}'..='\u{52F}' => Script::Cyrillic,
        '\u{2E80}'..='\u{D7FF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FFEF}' => {
            Script::Eastern
        }
        _ => Script::Other,
    }
}

fn oddness_of(before: char, character: char, after: char) -> usize {
    if character.is_control() || matches!(character, '\u{FFFD}' | '\u{E000}'..='\u{F8FF}') {
        return IMPOSSIBLE;
    }
    let beside = [before, after];
    let letters = beside.iter().filter(|beside| beside.is_alphabetic());
    if !character.is_alphabetic() || matches!(character, 'ª' | 'º' | 'ƒ') {
        return match character {
            // Box drawing.
            '\u{2500}'..='\u{259F}' => 4,
            '’' | '\u{AD}' | '·' => 0,
            // A symbol within a word.
            _ if letters.count() == 2 => 3,
            // Quotation marks, degree and currency signs at the edge of a word.
            '”' | '“' | '„' | '‘' | '«' | '»' | '°' | '®' | '©' | '™' | '…' | '–' | '—' | '€'
            | '£' | '¥' | '¤' | '²' | '³' | '½' | '¼' | '¾' | '×' | '•' | '±' | 'µ' | '§'
            | '\u{A0}' | '№' => 0,
            _ => 1,
        };
    }
    let own = script(character);
    if own == Script::Eastern {
        // A single letter between those of another script.
        return if letters
            .filter(|beside| script(**beside) == Script::Latin)
            .count()
            == 2
        {
            2
        } else {
            0
        };
    }
    let strangers = letters.filter(|beside| script(**beside) != own).count();
    let is_raised = character.is_uppercase() && before.is_lowercase();
    // A currency sign in another encoding: `Ł12.50`. `Ø12` is a diameter.
    let is_sign = own == Script::Latin
        && !before.is_alphanumeric()
        && after.is_ascii_digit()
        && !matches!(character, 'Ø' | 'ø');
    let is_rare = matches!(own, Script::Other)
        || matches!(
            character,
            'Œ' | 'Ÿ' | 'ÿ' | 'Þ' | 'þ' | 'Ð' | 'ð' | '\u{180}'..='\u{24F}'
        );
    3 * strangers + 3 * usize::from(is_raised) + 2 * usize::from(is_sign) + usize::from(is_rare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{MACINTOSH, WINDOWS_1251};

    #[test]
    fn a_text_looks_odd_in_a_wrong_encoding() {
        let (dos, mac) = (Legacy::Page(&PAGES[0]), Legacy::Standard(MACINTOSH));
        for (bytes, right, wrong) in [
            (&b"Gr\x94\xE1e"[..], dos, Legacy::WINDOWS_1252),
            (b"M\x81tze", dos, Legacy::WINDOWS_1252),
            (b"Caf\x8E", mac, Legacy::WINDOWS_1252),
            (b"Gr\xF6\xDFe, 5 \x80", Legacy::WINDOWS_1252, dos),
            (b"l\x92eau \x93x\x94", Legacy::WINDOWS_1252, dos),
            (
                b"\xCA\xF0\xF3\xE6\xEA\xE0",
                Legacy::Standard(WINDOWS_1251),
                mac,
            ),
        ] {
            assert_eq!(right.oddness(bytes), 0, "{}", right.decode(bytes));
            assert!(wrong.oddness(bytes) > 0, "{}", wrong.decode(bytes));
        }
    }
}
