#!/usr/bin/env bash
# Runs Lighthouse on the release's pages: each of its four scores must be at least 95.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh release
IMPORT_RELAY_BIN=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)/release/import-relay
export IMPORT_RELAY_BIN
exec node benches/page/lighthouse.mjs
