#!/usr/bin/env bash
# Takes the picture of the README from the app itself: docs/import.png.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh dev
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
cd end2end
IMPORT_RELAY_BIN=$target/debug/import-relay README_PICTURES=$PWD/../docs npx playwright test readme --reporter=line
