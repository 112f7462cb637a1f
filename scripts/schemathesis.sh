#!/usr/bin/env bash
# Holds the REST API against its own description, with requests that schemathesis makes up: as a
# program with a token, in a bounded time.
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

# Streams end by themselves, so that one that is opened is one that is over soon.
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

# Posts a form as whoever the cookies say.
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
# Something to be found.
curl --silent --show-error --fail --noproxy '*' --header "Authorization: Bearer $token" \
    --form "file=@end2end/fixtures/products.csv" "$origin/api/imports" >/dev/null

# `positive_data_acceptance` would have every identifier that could be one name an import; an unknown
# query parameter is passed over here, which `negative_data_rejection` takes for a fault.
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
