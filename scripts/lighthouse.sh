#!/usr/bin/env bash
# Has Lighthouse judge the release's pages: each of its four scores must be 95 at least.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh release
IMPORT_RELAY_BIN=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)/release/import-relay
export IMPORT_RELAY_BIN
exec node benches/page/lighthouse.mjs
