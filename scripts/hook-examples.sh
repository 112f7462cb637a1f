#!/usr/bin/env bash
# Builds the examples that use the hook as a library, into target/hook-examples: a directory of files for the browser
# each, and the server of the one that is hydrated.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
# The target directory that cargo-leptos uses for the browser.
front=$target/front
into=$target/hook-examples
wasm=wasm32-unknown-unknown
rm -rf "$into"
mkdir -p "$into/csr" "$into/hydrate/pkg"

# Separately: together they would share the features of leptos.
cargo build --quiet --package hook-csr --target "$wasm" --target-dir "$front"
wasm-bindgen --target web --no-typescript --out-dir "$into/csr" "$front/$wasm/debug/hook-csr.wasm"
cp examples/hook-csr/index.html "$into/csr"

cargo build --quiet --package hook-hydrate --lib --features hydrate --target "$wasm" --target-dir "$front"
wasm-bindgen --target web --no-typescript --out-name hook-hydrate --out-dir "$into/hydrate/pkg" \
    "$front/$wasm/debug/hook_hydrate.wasm"
cargo build --quiet --package hook-hydrate --features ssr --bin hook-hydrate
cp "$target/debug/hook-hydrate" "$into/hydrate/server"
