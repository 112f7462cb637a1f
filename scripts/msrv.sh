#!/usr/bin/env bash
# Checks that server, browser bundle and crates compile with the oldest supported Rust: `rust-version` in Cargo.toml.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
rustup toolchain install "$version" --profile minimal --target wasm32-unknown-unknown --no-self-update
# Its own target directory, because another compiler would rebuild everything in the common one.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/msrv
cargo "+$version" check --quiet --locked --workspace --exclude hook-csr --exclude hook-hydrate --features import-relay/ssr
cargo "+$version" check --quiet --locked --package import-relay --lib --features hydrate --target wasm32-unknown-unknown
echo "Rust $version compiles it."
