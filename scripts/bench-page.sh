#!/usr/bin/env bash
# Measures the page of an import and the same page made with React, and writes the table into docs/interface.md.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh release
IMPORT_RELAY_BIN=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)/release/import-relay
export IMPORT_RELAY_BIN
npm run --silent --prefix benches/page build
exec node benches/page/run.mjs --write docs/interface.md
