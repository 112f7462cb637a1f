#!/usr/bin/env bash
# Three relays and two workers on PostgreSQL behind nginx, for a long time: viewers come and go,
# people search, imports queue, run, fail in part and are cancelled, processes are killed. SOAK_MINUTES is 30,
# SOAK_VIEWERS 2000 where they are not set. It tests the release, or the program that IMPORT_RELAY_BIN names;
# with IMPORT_RELAY_BEFORE an update from that program, under the same load.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
if [ -z "${IMPORT_RELAY_BIN:-}" ]; then
    cargo build --quiet --release --features ssr --bin import-relay
    IMPORT_RELAY_BIN=$(cd "$target" && pwd)/release/import-relay
fi
export IMPORT_RELAY_BIN
# A viewer is a socket here, at the proxy twice, and at a relay.
ulimit -n "$(ulimit -H -n)"
directory=$(mktemp -d)
trap 'scripts/postgres.sh stop "$directory"' EXIT
IMPORT_RELAY_POSTGRES=$(scripts/postgres.sh start "$directory")
export IMPORT_RELAY_POSTGRES
# It ends by itself; this is for what cannot.
timeout $((${SOAK_MINUTES:-30} * 60 + 2400)) \
    cargo test --quiet --features ssr --test it soak:: -- --ignored --nocapture
