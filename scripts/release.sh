#!/usr/bin/env bash
# Builds the release as one file, with the site inside: target/release/import-relay.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
log=$target/release.log
mkdir -p "$target"

quietly() {
    if ! "$@" >>"$log" 2>&1; then
        tail -n 60 "$log" >&2
        exit 1
    fi
}

: >"$log"
# Files of an older build must not be embedded.
rm -rf target/site
quietly cargo leptos build --release --precompress --frontend-only
# Cargo does not notice new files.
touch src/server/site/embedded.rs
CARGO_PROFILE_RELEASE_LTO=thin quietly cargo build --release --features embed-site --bin import-relay
echo "$target/release/import-relay"
