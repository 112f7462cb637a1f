#!/usr/bin/env bash
# Runs three relays and two workers on PostgreSQL behind nginx under load: subscribers connect and leave, users search,
# imports are queued, run, fail in part and are cancelled, processes are killed.
#
#   SOAK_MINUTES          30 by default
#   SOAK_VIEWERS          subscribers, 2000 by default
#   IMPORT_RELAY_BIN      the program to test, the release by default
#   IMPORT_RELAY_BEFORE   another program, from which the cluster is updated under the same load
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
if [ -z "${IMPORT_RELAY_BIN:-}" ]; then
    cargo build --quiet --release --features ssr --bin import-relay
    IMPORT_RELAY_BIN=$(cd "$target" && pwd)/release/import-relay
fi
export IMPORT_RELAY_BIN
# A subscriber needs a socket here, two at the proxy, and one at a relay.
ulimit -n "$(ulimit -H -n)"
directory=$(mktemp -d)
trap 'scripts/postgres.sh stop "$directory"' EXIT
IMPORT_RELAY_POSTGRES=$(scripts/postgres.sh start "$directory")
export IMPORT_RELAY_POSTGRES
# The timeout is for a hang; it ends by itself.
timeout $((${SOAK_MINUTES:-30} * 60 + 2400)) \
    cargo test --quiet --package import-relay --features ssr,styleguide --test it soak:: -- --ignored --nocapture
