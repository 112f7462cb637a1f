#!/usr/bin/env bash
# Checks formatting, lints and rustdoc, for the builds of server and browser.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --check
cargo clippy --quiet --features ssr --all-targets -- -D warnings
cargo clippy --quiet --package authjs-session --package import-relay-hook --package product-feed --package price-monitor-wire --package relay-sync --package test-support --all-targets -- -D warnings
cargo clippy --quiet --package import-relay --features hydrate --lib --test hook --target wasm32-unknown-unknown -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --features ssr
