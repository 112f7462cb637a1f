//! HTML entities in cells, as some shops export them.

use std::borrow::Cow;

use html5gum::{Token, Tokenizer};

/// Maximum characters of an entity's name.
const MAX_NAME: usize = 32;

/// Replaces HTML entities: `Salt &amp; pepper`, `5&quot;`, `Women&#39;s`, `&euro;12`.
pub(crate) fn without_entities(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains('&') || !text.contains(';') {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let entity = after.split_once(';');
        match entity.and_then(|(name, after)| Some((text_of(name)?, after))) {
            Some((text, after)) => {
                plain.push_str(&text);
                rest = after;
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn text_of(name: &str) -> Option<String> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'#';
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_part) {
        return None;
    }
    let mut text = String::new();
    for Ok(token) in Tokenizer::new(&format!("&{name};")) {
        if let Token::String(part) = token {
            text.push_str(&String::from_utf8_lossy(&part.value));
        }
    }
    // An unknown name stays, or its beginning is another's.
    let is_known = !text.ends_with(';') && !text.contains(char::is_control);
    is_known.then_some(text)
}
