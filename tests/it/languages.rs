//! Languages other than English and German: each text of the code is in the language's file, and no others are.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use import_relay::i18n::locale::Locale;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Functions that take a text in English and in German.
const SAYS: [&str; 4] = ["say", "say_of", "fill", "words"];

/// The directories whose texts the browser says, too.
const BROWSER: [&str; 2] = ["islands", "i18n"];

/// Words of views that are the same in every language.
const NAMES: [&str; 8] = [
    "API",
    "Authorization: Bearer irt_…",
    "Import Relay",
    "SKU",
    "Standard Webhooks",
    "URL",
    "Webhook",
    "Webhooks",
];

/// Languages whose texts have a file of their own.
fn others() -> impl Iterator<Item = Locale> {
    let all = Locale::ALL.into_iter();
    all.filter(|locale| !matches!(locale, Locale::English | Locale::German))
}

fn parsed(path: &Path) -> TokenStream {
    let source = fs::read_to_string(path).expect("it can be read");
    source.parse().expect("it is Rust")
}

/// Returns the tables of a language's file: the texts or codes by the table's name.
fn tables_of(locale: Locale) -> BTreeMap<String, BTreeSet<String>> {
    let file = format!("i18n/locale/{locale:?}.rs").to_lowercase();
    tables(parsed(&root().join(file)))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn every_text_is_in_every_language_and_no_other() {
    let mut texts = BTreeMap::new();
    read(&root(), &mut texts);
    assert!(texts.len() > 400, "{} texts", texts.len());
    let faults: Vec<_> = others()
        .flat_map(|locale| faults_of(locale, &texts))
        .collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn faults_of(locale: Locale, texts: &BTreeMap<String, Vec<PathBuf>>) -> Vec<String> {
    let (root, tables) = (root(), tables_of(locale));
    let (browser, pages) = (&tables["BROWSER"], &tables["PAGES"]);
    let mut faults = Vec::new();
    for (text, places) in texts {
        let of_browser = places.iter().any(|place| {
            let mut directories = BROWSER.iter();
            directories.any(|directory| place.starts_with(root.join(directory)))
        });
        match locale.translated(text) {
            None => faults.push(format!("missing: {text:?}")),
            // A word can be the same, as *Total*.
            Some(other) if other == text && text.contains(' ') => {
                faults.push(format!("in English: {text:?}"));
            }
            Some(other) if names(other).is_subset(&names(text)) => {}
            Some(_) => faults.push(format!("other values than {text:?}")),
        }
        if of_browser && !browser.contains(text) && pages.contains(text) {
            faults.push(format!("the browser says it, too: {text:?}"));
        }
    }
    for text in browser.iter().chain(pages) {
        if !texts.contains_key(text) {
            faults.push(format!("left over: {text:?}"));
        }
    }
    for text in browser.intersection(pages) {
        faults.push(format!("twice: {text:?}"));
    }
    let about = |fault| format!("{locale:?}: {fault}");
    faults.into_iter().map(about).collect()
}

#[test]
fn the_browser_has_the_sentences_of_its_errors_in_every_language() {
    let declared = parsed(&root().join("i18n/messages/codes.rs"));
    let codes = browser_codes(declared);
    assert!(codes.len() > 30, "{codes:?}");
    for locale in others() {
        let tables = tables_of(locale);
        let (browser, server) = (&tables["ERRORS"], &tables["SERVER_ERRORS"]);
        let missing: Vec<_> = codes.difference(browser).collect();
        let needless: Vec<_> = codes.intersection(server).collect();
        assert!(
            missing.is_empty(),
            "{locale:?}: {missing:?} is not in ERRORS"
        );
        assert!(
            needless.is_empty(),
            "{locale:?}: {needless:?} is in SERVER_ERRORS"
        );
    }
}

/// Returns the codes that are declared under `#[cfg(all())]`.
fn browser_codes(tokens: TokenStream) -> BTreeSet<String> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut codes = BTreeSet::new();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            continue;
        };
        let before = index
            .checked_sub(1)
            .map(|before| tokens[before].to_string());
        let is_of_browser = before.is_some_and(|it| it.replace(' ', "") == "[cfg(all())]");
        if !is_of_browser || group.delimiter() != Delimiter::Brace {
            codes.extend(browser_codes(group.stream()));
            continue;
        }
        let inner: Vec<_> = group.stream().into_iter().collect();
        let after_equals = inner.windows(2).filter(|pair| punct(&pair[0]) == Some('='));
        codes.extend(after_equals.filter_map(|pair| literal(&pair[1])));
    }
    codes
}

/// Returns the names of a text's placeholders.
fn names(text: &str) -> BTreeSet<&str> {
    let parts = text.split('{').skip(1);
    parts
        .filter_map(|part| Some(part.split_once('}')?.0))
        .collect()
}

/// Reads the English texts of all files below a directory, each with its files.
fn read(directory: &Path, texts: &mut BTreeMap<String, Vec<PathBuf>>) {
    read_with(directory, texts, &scan);
}

fn read_with(
    directory: &Path,
    texts: &mut BTreeMap<String, Vec<PathBuf>>,
    scan: &dyn Fn(TokenStream, &mut BTreeSet<String>),
) {
    for entry in fs::read_dir(directory).expect("the directory is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            read_with(&path, texts, scan);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let mut found = BTreeSet::new();
            scan(parsed(&path), &mut found);
            for text in found {
                texts.entry(text).or_default().push(path.clone());
            }
        }
    }
}

/// Finds `say("English", "German")`, also in macros, and `Name: "stored", "English", "German";` in tables.
fn scan(tokens: TokenStream, found: &mut BTreeSet<String>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            if let Some([colon, stored, comma, english, second, german, end]) =
                tokens[index..].first_chunk()
                && [colon, comma, second, end].map(punct) == [':', ',', ',', ';'].map(Some)
                && let (Some(_), Some(english), Some(_)) =
                    (literal(stored), literal(english), literal(german))
            {
                found.insert(english);
            }
            continue;
        };
        let before = index
            .checked_sub(1)
            .map(|before| tokens[before].to_string());
        let is_call = group.delimiter() == Delimiter::Parenthesis
            && before.is_some_and(|name| SAYS.contains(&name.as_str()));
        if is_call {
            let inner: Vec<_> = group.stream().into_iter().collect();
            if let [english, comma, german, ..] = &inner[..]
                && punct(comma) == Some(',')
                && let (Some(english), Some(_)) = (literal(english), literal(german))
            {
                found.insert(english);
            }
        }
        scan(group.stream(), found);
    }
}

/// Views say no words of their own: what is the same in English and German has another word in a third language.
#[test]
fn no_word_of_a_view_is_left_to_one_language() {
    let mut words = BTreeMap::new();
    for directory in ["pages", "components", "islands"] {
        read_with(&root().join(directory), &mut words, &literals);
    }
    // Components for developers.
    let is_shown = |places: &Vec<PathBuf>| {
        let mut shown = places.iter().map(|place| place.to_string_lossy());
        shown.any(|place| !place.contains("styleguide"))
    };
    let left: Vec<_> = words
        .iter()
        .filter(|(word, places)| !NAMES.contains(&word.as_str()) && is_shown(places))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Finds words between tags, and those that name a field: `<h1>"Team"</h1>`, `label="Name"`.
fn literals(tokens: TokenStream, found: &mut BTreeSet<String>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            literals(group.stream(), found);
        }
        let Some([before, text, after]) = tokens[index..].first_chunk() else {
            continue;
        };
        let is_text = punct(before) == Some('>') && punct(after) == Some('<');
        let is_label = punct(text) == Some('=')
            && matches!(before, TokenTree::Ident(name) if *name == "label");
        let word = match (is_text, is_label) {
            (true, _) => literal(text),
            (_, true) => literal(after),
            _ => None,
        };
        let is_word = |word: &String| word.chars().filter(|it| it.is_alphabetic()).count() > 1;
        found.extend(word.filter(is_word));
    }
}

fn tables(tokens: TokenStream) -> BTreeMap<String, BTreeSet<String>> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut tables = BTreeMap::new();
    let mut name = String::new();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(word) if word == "const" => {
                name = tokens[index + 1].to_string();
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                let keys = group.stream().into_iter().filter_map(|pair| match pair {
                    TokenTree::Group(pair) => literal(&pair.stream().into_iter().next()?),
                    _ => None,
                });
                tables
                    .entry(name.clone())
                    .or_insert_with(BTreeSet::new)
                    .extend(keys);
            }
            _ => {}
        }
    }
    tables
}

fn punct(token: &TokenTree) -> Option<char> {
    match token {
        TokenTree::Punct(punct) => Some(punct.as_char()),
        _ => None,
    }
}

fn literal(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else {
        return None;
    };
    let source = literal.to_string();
    let source = source.strip_prefix('"')?.strip_suffix('"')?;
    let (mut text, mut chars) = (String::new(), source.chars().peekable());
    while let Some(character) = chars.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match chars.next()? {
            'n' => text.push('\n'),
            '\n' => while chars.next_if(|next| next.is_whitespace()).is_some() {},
            'u' => {
                let digits: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                text.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
            }
            other => text.push(other),
        }
    }
    Some(text)
}

#[test]
fn texts_are_found_in_calls_macros_and_declarations() {
    let source = r#"
        fn f() { view! { <p>{t.say("One \
            line", "Eine Zeile")}</p> }; t.fill("{n}\u{a0}%", "x", &[]); other("no", "nein"); }
        actions! { SignedIn: "signed-in", "signed in", "angemeldet"; }
    "#;
    let mut found = BTreeSet::new();
    scan(source.parse().expect("it is Rust"), &mut found);
    let expected = ["One line", "signed in", "{n}\u{a0}%"];
    assert_eq!(found, expected.map(str::to_owned).into());
}
