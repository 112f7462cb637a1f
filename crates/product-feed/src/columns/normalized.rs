//! Writes names alike, to compare them.

/// Removes case, accents, spaces and punctuation.
pub(super) fn normalized(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.chars().filter(|character| character.is_alphanumeric()) {
        push_lower(&mut normal, character);
    }
    normal
}

/// As [`normalized`], with `#` for each number.
pub(super) fn numbered(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_digit() || character == '#' {
            if !normal.ends_with('#') {
                normal.push('#');
            }
        } else if character.is_alphanumeric() {
            push_lower(&mut normal, character);
        }
    }
    normal
}

pub(super) fn push_lower(text: &mut String, character: char) {
    match character {
        'ß' => text.push_str("ss"),
        'æ' | 'Æ' => text.push_str("ae"),
        'œ' | 'Œ' => text.push_str("oe"),
        character => {
            let lower = folded(character).to_lowercase();
            // The base letter, without its accent.
            text.extend(lower.filter(|part| part.is_alphanumeric()));
        }
    }
}

/// Removes the accent of a Latin letter.
pub(super) fn folded(character: char) -> char {
    match character {
        'à'..='å' | 'À'..='Å' | 'ā' | 'ă' | 'ą' | 'Ā' | 'Ă' | 'Ą' => 'a',
        'ç' | 'Ç' | 'ć' | 'č' | 'Ć' | 'Č' => 'c',
        'ď' | 'đ' | 'Ď' | 'Đ' => 'd',
        'è'..='ë' | 'È'..='Ë' | 'ē' | 'ę' | 'ě' | 'Ē' | 'Ę' | 'Ě' => 'e',
        'ğ' | 'Ğ' => 'g',
        'ì'..='ï' | 'Ì'..='Ï' | 'ī' | 'ı' | 'İ' => 'i',
        'ł' | 'ľ' | 'Ł' | 'Ľ' => 'l',
        'ñ' | 'Ñ' | 'ń' | 'ň' | 'Ń' | 'Ň' => 'n',
        'ò'..='ö' | 'ø' | 'Ò'..='Ö' | 'Ø' | 'ő' | 'Ő' => 'o',
        'ř' | 'Ř' => 'r',
        'ś' | 'š' | 'ş' | 'ș' | 'Ś' | 'Š' | 'Ş' | 'Ș' => 's',
        'ť' | 'ț' | 'ţ' | 'Ť' | 'Ț' | 'Ţ' => 't',
        'ù'..='ü' | 'Ù'..='Ü' | 'ū' | 'ů' | 'ű' | 'Ū' | 'Ů' | 'Ű' => 'u',
        'ý' | 'ÿ' | 'Ý' => 'y',
        'ź' | 'ž' | 'ż' | 'Ź' | 'Ž' | 'Ż' => 'z',
        other => other,
    }
}
