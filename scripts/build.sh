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

# Hashes of a release's inputs and results. cargo-leptos would optimise and compress the site each time, which takes
# over a minute.
sources() {
    rustc --version
    find .cargo Cargo.toml Cargo.lock rust-toolchain.toml scripts/build.sh crates src style public -printf '%p %s %T@\n' | sort
}
results() {
    find target/site "$target/release/import-relay" -printf '%p %s %T@\n' | sort
}

# From before the build, because later changes are not in it.
made_of=$(sources)
if [ "$1" = release ] && [ -x "$target/release/import-relay" ] && [ -d target/site ] &&
    { echo "$made_of" && results; } | cmp --silent - "$built"; then
    exit 0
fi
if [ -t 2 ]; then
    cargo leptos build "${options[@]}"
elif ! cargo leptos build "${options[@]}" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    exit 1
fi
if [ "$1" = release ]; then { echo "$made_of" && results; } >"$built"; fi
