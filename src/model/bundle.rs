//! Where the bundle of the islands is.

/// The addresses of the files that are compiled for browsers, which the server provides to the pages that it renders.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bundle {
    /// The script that loads the other one.
    pub script: String,
    /// The WebAssembly module.
    pub wasm: String,
}
