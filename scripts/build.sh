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
log=${CARGO_TARGET_DIR:-target}/build.log
mkdir -p "$(dirname "$log")"
if [ -t 2 ]; then
    cargo leptos build "${options[@]}"
elif ! cargo leptos build "${options[@]}" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    exit 1
fi
