#!/usr/bin/env bash
# Runs the benchmarks, and writes the tables into docs/benchmarks.md. Takes about eight minutes on an idle machine.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
binary=$target/release/import-relay
table=docs/benchmarks.md

# Ten thousand subscribers need ten thousand sockets on either side.
ulimit -n "$(ulimit -Hn)"

CARGO_TARGET_DIR=$target/fan-out cargo build --quiet --release --manifest-path benches/fan_out/Cargo.toml
fan_out=("$target/fan-out/release/fan-out" --binary "$binary" --write "$table")
both=relay,floor,nchan,relay-listed,floor-listed,nchan-listed
"${fan_out[@]}" --servers $both,nchan-auto,next,node --viewers 1000 --jobs 1 --rate 20
"${fan_out[@]}" --servers $both,next --viewers 1000 --jobs 100 --rate 5 --seconds 10 --idle 0
"${fan_out[@]}" --servers relay,relay-listed,nchan,nchan-listed --come-back 5 --viewers 10000 --jobs 200 --rate 1 --seconds 2

cargo bench --quiet --package price-monitor-wire --bench decode | grep -E '^[a-z].*time:|^ +(time|thrpt):'

# Imports: a million rows of twelve columns, beside the sqlite3 shell, a Node importer and psql. Searching and paging at a
# million products and 200,000 imports, on both databases. Each fails below its goal; the other one runs anyway.
postgres=$(mktemp -d)
trap 'scripts/postgres.sh stop "$postgres"' EXIT
IMPORT_RELAY_POSTGRES=$(scripts/postgres.sh start "$postgres")
export IMPORT_RELAY_POSTGRES IMPORT_RELAY_BIN=$binary
failed=0
benches/import/run.sh --rows "${IMPORT_ROWS:-1000000}" || failed=1
node benches/search/run.mjs || failed=1
exit "$failed"
