//! Values in price cells that are no prices.

/// Returns whether a text is a spreadsheet error.
pub(crate) fn is_spreadsheet_error(text: &str) -> bool {
    const ERRORS: [&str; 10] = [
        "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#NV",
        "#BEZUG!",
    ];
    text.starts_with('#')
        && (ERRORS.iter().any(|error| error.eq_ignore_ascii_case(text))
            || text.bytes().all(|byte| byte == b'#'))
}

/// Returns whether a text is a date as written by spreadsheet programs.
pub(crate) fn is_date(text: &str) -> bool {
    let date = text.split([' ', 'T']).next().unwrap_or_default();
    for mark in ['-', '/', '.'] {
        let parts: Vec<_> = date.split(mark).collect();
        if let [one, month, two] = parts[..] {
            let lengths = (one.len(), two.len());
            let is_known = matches!(lengths, (4, 1 | 2) | (1 | 2, 4))
                || (matches!(lengths, (1 | 2, 2)) && mark != '-');
            let number = |part: &str| part.parse::<u32>().ok();
            let is_day = |part: &str| number(part).is_some_and(|day| (1..=31).contains(&day));
            let is_month = match number(month) {
                Some(month_number) => (1..=31).contains(&month_number) && month.len() <= 2,
                None => is_month_name(month),
            };
            let has_day = if one.len() == 4 {
                is_day(two)
            } else {
                is_day(one)
            };
            if is_known && is_month && has_day && number(one).is_some() && number(two).is_some() {
                return true;
            }
        }
        if let [one, two] = parts[..]
            && mark != '/'
        {
            let is_number = |part: &str| part.len() <= 4 && part.parse::<u32>().is_ok();
            if (is_number(one) && is_month_name(two)) || (is_month_name(one) && is_number(two)) {
                return true;
            }
        }
    }
    // German Excel writes `12. Mai`.
    text.split_once(". ").is_some_and(|(day, month)| {
        let month = month.split(' ').next().unwrap_or_default();
        day.len() <= 2 && day.parse::<u32>().is_ok() && is_month_name(month)
    })
}

pub(super) fn is_month_name(text: &str) -> bool {
    const MONTHS: &[&str] = &[
        "jan", "feb", "mar", "mär", "mrz", "apr", "may", "mai", "jun", "jul", "aug", "sep", "oct",
        "okt", "nov", "dec", "dez", "fév", "fev", "avr", "juin", "juil", "aoû", "déc", "ene",
        "abr", "ago", "dic", "gen", "mag", "giu", "lug", "set", "ott",
    ];
    let text = text.trim_end_matches('.').to_lowercase();
    text.chars().all(char::is_alphabetic)
        && MONTHS.iter().any(|month| text.starts_with(month))
        && text.len() <= 10
}
