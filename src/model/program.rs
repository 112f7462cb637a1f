//! Where the browser's program is.

/// The addresses of the files that the browser's program is in, which the server provides to the pages
/// that it renders.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Program {
    /// The script that starts it.
    pub script: String,
    /// Its first part, all of it where it has no others.
    pub wasm: String,
    /// The script that loads its other parts.
    pub loader: Option<String>,
    /// Its other parts.
    pub parts: Vec<String>,
}
