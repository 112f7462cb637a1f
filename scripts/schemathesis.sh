#!/usr/bin/env bash
# Tests the REST API against its OpenAPI description with generated requests (schemathesis), with a token and within a
# time limit.
#
#   scripts/schemathesis.sh [OPTION-OF-SCHEMATHESIS...]
set -euo pipefail
cd "$(dirname "$0")/.."

tools=${IMPORT_RELAY_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/import-relay/tools}
schemathesis=$tools/schemathesis/bin/schemathesis
binary=${IMPORT_RELAY_BIN:-${CARGO_TARGET_DIR:-target}/debug/import-relay}
[ -x "$schemathesis" ] || { echo "schemathesis is not installed: scripts/tools.sh test" >&2; exit 1; }
binary=$(realpath "$binary")

directory=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$directory"' EXIT

# Streams end after a short time, because schemathesis waits for the end.
export DATA_DIR=$directory/data LISTEN_ADDR=127.0.0.1:0 RUST_LOG=warn SSE_MAX_DURATION=1s SSE_HEARTBEAT=1s
unset DATABASE_URL MONITOR_PRICE_APP_HOST PRICE_MONITOR_API_KEY NEXTAUTH_URL AUTH_SECRET NEXTAUTH_SECRET
(cd "$directory" && exec "$binary") >"$directory/out" 2>"$directory/log" &
server=$!
for _ in $(seq 300); do
    origin=$(sed -n 's/^Import Relay is ready at //p' "$directory/out")
    [ -z "$origin" ] || break
    kill -0 "$server" || { cat "$directory/log" >&2; exit 1; }
    sleep 0.1
done

# Posts a form with the cookies of a user.
post() {
    local path=$1 field arguments=()
    shift
    for field in "$@"; do arguments+=(--data-urlencode "$field"); done
    curl --silent --show-error --fail --noproxy '*' --cookie "$directory/cookies" --cookie-jar "$directory/cookies" \
        --header "Origin: $origin" "${arguments[@]}" "$origin$path"
}

post /api/create_owner name=Ada email=ada@example.com 'password=a long enough passphrase' >/dev/null
token=$(post /api/create_token name=schemathesis 'scope=imports:write products:read' lifetime=month |
    sed -n 's/.*"token":"\([^"]*\)".*/\1/p')
# Test data.
curl --silent --show-error --fail --noproxy '*' --header "Authorization: Bearer $token" \
    --form "file=@end2end/fixtures/products.csv" "$origin/api/imports" >/dev/null

# `positive_data_acceptance` expects an import for every valid ID; `negative_data_rejection` expects an error for unknown
# query parameters, which are ignored.
status=0
(cd "$directory" && NO_PROXY='*' no_proxy='*' "$schemathesis" run "$origin/api/openapi.json" \
    --header "Authorization: Bearer $token" \
    --checks all --exclude-checks positive_data_acceptance,negative_data_rejection \
    --phases examples,coverage,fuzzing --max-examples 30 --max-time 60 --seed 1 --workers 2 --no-color "$@") || status=$?
if grep -q panicked "$directory/log"; then
    cat "$directory/log" >&2
    status=1
fi
exit "$status"
