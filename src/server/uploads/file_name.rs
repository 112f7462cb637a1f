//! Cleans user-provided filenames.

/// Returns the last part of a name, without invisible characters and direction marks, truncated to `most` characters.
pub(crate) fn plain(given: &str, most: usize) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .take(most)
        .collect();
    if name.trim().is_empty() {
        "products.csv".to_owned()
    } else {
        name.trim().to_owned()
    }
}

/// Direction marks, by which `gpj.exe` reads `exe.jpg`, and characters without width (Unicode Standard Annex 9, section
/// 2, and chapter 23.2).
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_never_a_path_and_reads_as_it_is() {
        for (given, shown) in [
            ("spring list.csv", "spring list.csv"),
            ("../../etc/passwd", "passwd"),
            ("C:\\lists\\prices.csv", "prices.csv"),
            ("a\r\nb\0.csv", "ab.csv"),
            ("prices\u{202e}vsc.exe", "pricesvsc.exe"),
            ("\u{2066}a\u{2069}\u{200f}.csv", "a.csv"),
            ("\u{200b}", "products.csv"),
            ("/", "products.csv"),
            ("", "products.csv"),
        ] {
            assert_eq!(plain(given, 200), shown);
        }
        assert_eq!(plain(&"ü".repeat(400), 200).chars().count(), 200);
    }

    proptest! {
        #[test]
        fn a_name_that_is_plain_stays(given in "\\PC{0,40}") {
            let once = plain(&given, 30);
            prop_assert_eq!(plain(&once, 30), once);
        }
    }
}
