#!/usr/bin/env bash
# Runs the tests of queue engines on SQLite and on a PostgreSQL of its own.
#
#   benches/queue/run.sh [NAME]
set -euo pipefail
cd "$(dirname "$0")/../.."

directory=$(mktemp -d)
trap 'scripts/postgres.sh stop "$directory"' EXIT
chmod 755 "$directory"
IMPORT_RELAY_POSTGRES=$(scripts/postgres.sh start "$directory")
export IMPORT_RELAY_POSTGRES CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/queue
cargo test --manifest-path benches/queue/Cargo.toml -- --nocapture --test-threads 4 "$@"
