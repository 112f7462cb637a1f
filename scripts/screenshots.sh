#!/usr/bin/env bash
# Takes the pictures of the README: docs/*.png.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh dev
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
cd end2end
IMPORT_RELAY_BIN=$target/debug/import-relay README_PICTURES=$PWD/../docs npx playwright test readme.spec trust.spec sources.spec --grep-invert 'without JavaScript' --reporter=line
