#!/usr/bin/env bash
# Builds the server and the site.
#
#   scripts/build.sh release|dev
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
    release) options=(--release --precompress) ;;
    dev) options=(--features styleguide) ;;
    *)
        echo "usage: scripts/build.sh release|dev" >&2
        exit 2
        ;;
esac
target=${CARGO_TARGET_DIR:-target}
log=$target/build.log
built=$target/release.built
mkdir -p "$target"

# What a release is made of and what came of it. cargo-leptos would optimise and compress the site anew
# each time, which takes over a minute.
release_state() {
    rustc --version
    find Cargo.toml Cargo.lock rust-toolchain.toml scripts/build.sh src style public \
        target/site "$target/release/import-relay" -printf '%p %s %T@\n' 2>/dev/null | sort
}

if [ "$1" = release ] && [ -x "$target/release/import-relay" ] && release_state | cmp --silent - "$built"; then
    exit 0
fi
if [ -t 2 ]; then
    cargo leptos build "${options[@]}"
elif ! cargo leptos build "${options[@]}" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    exit 1
fi
if [ "$1" = release ]; then release_state >"$built"; fi
