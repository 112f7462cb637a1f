#!/usr/bin/env bash
# Runs the tests of the hook, tests/hook.rs, in Chromium.
#
#   scripts/hook-tests.sh                  builds and runs them
#   scripts/hook-tests.sh FILE OPTION...   runs a built program; called by cargo
set -euo pipefail

if [ $# -gt 0 ]; then
    program=$(realpath "$1")
    shift
    # The runner reads Chromium's settings from its working directory.
    cd "$(dirname "$0")/../tests/hook"
    CHROMEDRIVER=$(command -v chromedriver) WASM_BINDGEN_TEST_TIMEOUT=240 \
        exec wasm-bindgen-test-runner "$program" "$@"
fi

cd "$(dirname "$0")/.."
# The same as cargo-leptos, so that both share compiled dependencies.
export LEPTOS_OUTPUT_NAME=import-relay
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$PWD/scripts/hook-tests.sh
exec cargo test --target wasm32-unknown-unknown --target-dir "${CARGO_TARGET_DIR:-target}/front" \
    --package import-relay --features hydrate --test hook
