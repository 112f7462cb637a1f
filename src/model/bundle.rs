//! The bundle of the islands.

/// URLs of the files compiled for browsers. The server provides them to its pages.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bundle {
    /// The script that loads the module.
    pub script: String,
    /// The WebAssembly module.
    pub wasm: String,
}
