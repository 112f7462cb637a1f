#!/usr/bin/env bash
# Measures the release binary on an existing database: from exec to an answer (at most 100 ms, the best
# of ten), and the memory of a server at rest, after a sign-in, a page and an import (at most 40 MiB).
set -euo pipefail
cd "$(dirname "$0")/.."

program=${1:-${CARGO_TARGET_DIR:-target}/release/import-relay}
[ -x "$program" ] || { echo "$program is not there: make build" >&2; exit 2; }
program=$(realpath "$program")
site=$(realpath target/site 2>/dev/null || true)
directory=$(mktemp -d)
server=
end() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$directory"
}
trap end EXIT
port=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
origin=http://127.0.0.1:$port
export LISTEN_ADDR=127.0.0.1:$port LEPTOS_SITE_ROOT=$site RUST_LOG=warn
cd "$directory"

start() {
    "$program" >/dev/null &
    server=$!
    until curl --silent --fail --output /dev/null "$origin/health/ready"; do
        kill -0 "$server" || { echo "the server ended" >&2; exit 1; }
        sleep 0.002
    done
}
stop() {
    kill "$server"
    wait "$server"
    server=
}

start
stop
best=100000
for _ in 1 2 3 4 5 6 7 8 9 10; do
    began=$(date +%s%N)
    start
    took=$((($(date +%s%N) - began) / 1000000))
    [ "$took" -ge "$best" ] || best=$took
    stop
done

start
jar=$directory/cookies
curl --silent --fail --output /dev/null --cookie-jar "$jar" --data-urlencode name=Ada \
    --data-urlencode email=ada@example.com --data-urlencode "password=correct horse" "$origin/api/create_owner"
"$program" sample --rows 2000 >list.csv
job=$(curl --silent --fail --cookie "$jar" --header "Accept: application/json" --form file=@list.csv "$origin/imports" |
    sed 's/.*"id":"\([^"]*\)".*/\1/')
curl --silent --fail --max-time 60 --output /dev/null --cookie "$jar" "$origin/api/jobs/$job/progress"
curl --silent --fail --output /dev/null --cookie "$jar" "$origin/imports"
sleep 2
resident=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$server/status")
stop

echo "start, from exec to an answer: $best ms (at most 100)"
echo "memory at rest: $((resident / 1024)) MiB (at most 40)"
[ "$best" -le 100 ] && [ "$resident" -le $((40 * 1024)) ]
