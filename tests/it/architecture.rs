//! The direction of imports: each module of `src/` names only modules below it, so there is no circle. Test code
//! (`#[cfg(test)]`) may name anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

const LAYERS: [&str; 32] = [
    "i18n",
    "model",
    "server::limits",
    "server::identity",
    "server::http_client",
    "server::config",
    "server::mail",
    "server::encryption",
    "server::telemetry",
    "server::error",
    "server::relay",
    "server::store",
    "server::work",
    "server::auth",
    "server::uploads",
    "server::imports",
    "server::notifications",
    "server::sources",
    "server::share_links",
    "server::site",
    "server::http",
    "server::price_monitor",
    "api",
    "hooks",
    "islands",
    "components",
    "pages",
    "app",
    "server::run",
    "cli",
    "lib",
    "main",
];

/// Modules that must not name each other, although one is below the other.
const STRANGERS: [(&str, &str); 1] = [("server::price_monitor", "server::relay")];

/// Importing and imported module, with the places.
type Arrows = BTreeMap<(String, String), BTreeSet<String>>;

#[test]
fn modules_name_only_modules_below_them() {
    let arrows = arrows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let rank = |module: &str| LAYERS.iter().position(|layer| *layer == module);
    let mut faults = Vec::new();
    for ((from, to), places) in &arrows {
        let (Some(above), Some(below)) = (rank(from), rank(to)) else {
            faults.push(format!("{from} -> {to}: not in LAYERS ({places:?})"));
            continue;
        };
        let pair = (from.as_str(), to.as_str());
        if below > above || STRANGERS.contains(&pair) {
            faults.push(format!("{from} -> {to} is not allowed ({places:?})"));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn paths_are_found_in_use_trees_macros_and_expressions() {
    let source = r#"
        use crate::{model::job::JobId, server::{store::{self, Store}, http}};
        // crate::api is named in a comment only.
        fn f() { view! { <crate::components::Form /> }; super::super::uploads::f("crate::pages"); }
        mod inner { use super::super::limits; }
        #[cfg(test)] mod tests { use crate::app::App; }
    "#;
    let module = ["server", "uploads", "limits"].map(str::to_owned);
    let mut found = BTreeSet::new();
    scan(source.parse().expect("it is Rust"), &module, &mut found);
    let layers: BTreeSet<_> = found.iter().map(|path| layer(path)).collect();
    let expected = [
        "components",
        "model",
        "server::http",
        "server::store",
        "server::uploads",
    ];
    assert_eq!(layers, expected.map(str::to_owned).into());
}

/// Reads the imports between layers of all files below `src`.
fn arrows(src: &Path) -> Arrows {
    let mut sources = BTreeMap::new();
    read(src, &mut Vec::new(), &mut sources);
    let for_tests: Vec<_> = sources
        .values()
        .flat_map(|(tokens, module)| test_modules(tokens, module))
        .collect();
    let mut arrows = Arrows::new();
    for (name, (tokens, module)) in &sources {
        if for_tests.iter().any(|test| module.starts_with(test)) {
            continue;
        }
        let mut found = BTreeSet::new();
        scan(tokens.clone(), module, &mut found);
        for path in found {
            let (from, to) = (layer(module), layer(&path));
            // A module is named by its parent, which declares it.
            if from != to && to != "server" {
                let place = format!("{name}: {}", path.join("::"));
                arrows.entry((from, to)).or_default().insert(place);
            }
        }
    }
    arrows
}

/// Parses all Rust files below a directory into tokens, with their module paths.
fn read(
    directory: &Path,
    module: &mut Vec<String>,
    sources: &mut BTreeMap<String, (TokenStream, Vec<String>)>,
) {
    for entry in fs::read_dir(directory).expect("the directory is there") {
        let path = entry.expect("it can be read").path();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name")
            .to_owned();
        if path.is_dir() {
            module.push(stem);
            read(&path, module, sources);
            module.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("it can be read");
            let tokens = text.parse().expect("it is Rust");
            let mut own = module.clone();
            if stem != "mod" {
                own.push(stem);
            }
            sources.insert(path.display().to_string(), (tokens, own));
        }
    }
}

/// Returns the file modules that are declared for tests only.
fn test_modules(tokens: &TokenStream, module: &[String]) -> Vec<Vec<String>> {
    let tokens: Vec<_> = tokens.clone().into_iter().collect();
    let parent = if module == ["lib"] { &[] } else { module };
    let declared = tokens.windows(2).enumerate().filter_map(|(at, window)| {
        let is_for_tests = is(&window[0], "#") && is_cfg_test(&window[1]);
        let mut item = tokens
            .iter()
            .skip(at + 2)
            .take(4)
            .skip_while(|token| !is(token, "mod"));
        let name = is_for_tests.then(|| item.nth(1)).flatten()?;
        Some([parent, &[name.to_string()]].concat())
    });
    declared.collect()
}

/// Collects paths that start with `crate`, `super` or the crate's name, as absolute paths.
fn scan(tokens: TokenStream, module: &[String], found: &mut BTreeSet<Vec<String>>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1);
        if is(token, "#") && next.is_some_and(is_cfg_test) {
            at = after_item(&tokens, at + 2);
            continue;
        }
        if is(token, "mod")
            && let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                (next, tokens.get(at + 2))
        {
            scan(
                body.stream(),
                &[module, &[name.to_string()]].concat(),
                found,
            );
            at += 3;
            continue;
        }
        let is_segment = at > 0 && is(&tokens[at - 1], ":");
        let root = match token {
            TokenTree::Ident(name)
                if !is_segment && (name == "crate" || name == "import_relay") =>
            {
                Some(Vec::new())
            }
            TokenTree::Ident(name) if !is_segment && name == "super" => Some(parent_of(module)),
            _ => None,
        };
        // The binary is a crate of its own.
        let is_program = matches!(module.first().map(String::as_str), Some("main" | "cli"));
        let root = match root {
            Some(root)
                if is_program && is(token, "crate") && next.is_some_and(|next| is(next, ":")) =>
            {
                match tokens.get(at + 3) {
                    Some(name) if is(name, "cli") => Some(root),
                    _ => Some(vec!["main".to_owned()]),
                }
            }
            root => root,
        };
        match (root, token) {
            (Some(root), _) => at = path(&tokens, at + 1, root, found),
            (None, TokenTree::Group(group)) => {
                scan(group.stream(), module, found);
                at += 1;
            }
            (None, _) => at += 1,
        }
    }
}

/// Follows a path or path tree after its first segment. Returns its end.
fn path(
    tokens: &[TokenTree],
    mut at: usize,
    mut path_so_far: Vec<String>,
    found: &mut BTreeSet<Vec<String>>,
) -> usize {
    while tokens.get(at).is_some_and(|token| is(token, ":"))
        && tokens.get(at + 1).is_some_and(|token| is(token, ":"))
    {
        match tokens.get(at + 2) {
            Some(TokenTree::Ident(name)) if name == "super" => {
                path_so_far = parent_of(&path_so_far);
            }
            Some(TokenTree::Ident(name)) => path_so_far.push(name.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                tree(group.stream(), &path_so_far, found);
                return at + 3;
            }
            _ => break,
        }
        at += 3;
    }
    if !path_so_far.is_empty() {
        found.insert(path_so_far);
    }
    at
}

fn tree(tokens: TokenStream, path_so_far: &[String], found: &mut BTreeSet<Vec<String>>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for branch in tokens.split(|token| is(token, ",")) {
        match branch.first() {
            Some(TokenTree::Ident(name)) => {
                let mut branch_path = path_so_far.to_vec();
                match name.to_string() {
                    name if name == "self" => {}
                    name if name == "super" => branch_path = parent_of(path_so_far),
                    name => branch_path.push(name),
                }
                path(branch, 1, branch_path, found);
            }
            Some(_) => drop(found.insert(path_so_far.to_vec())),
            None => {}
        }
    }
}

/// Returns the end of an item: its braces or semicolon.
fn after_item(tokens: &[TokenTree], from: usize) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is(token, ";") || is(token, ","),
    };
    let mut ends = tokens
        .iter()
        .enumerate()
        .skip(from)
        .filter(|(_, token)| is_end(token));
    let is_use = tokens.get(from).is_some_and(|token| is(token, "use"));
    let end = if is_use {
        ends.find(|(_, token)| is(token, ";"))
    } else {
        ends.next()
    };
    end.map_or(tokens.len(), |(at, _)| at + 1)
}

fn layer(path: &[String]) -> String {
    match path {
        [server, folder, ..] if server == "server" => format!("{server}::{folder}"),
        [first, ..] => first.clone(),
        [] => "lib".to_owned(),
    }
}

fn parent_of(module: &[String]) -> Vec<String> {
    module
        .split_last()
        .map(|(_, parent)| parent.to_vec())
        .unwrap_or_default()
}

fn is(token: &TokenTree, text: &str) -> bool {
    !matches!(token, TokenTree::Group(_)) && token.to_string() == text
}

fn is_cfg_test(attribute: &TokenTree) -> bool {
    attribute.to_string().replace(' ', "") == "[cfg(test)]"
}
