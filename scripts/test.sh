#!/usr/bin/env bash
# Runs every test; the last line is `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/.."

# Some tests hold more than a thousand sockets.
ulimit -n "$(ulimit -Hn)"
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
passed=0
failed=0
failures=$target/failures.txt
: >"$failures"

# Says how long the part before took, and what begins.
begin() {
    [ -z "${began:-}" ] || echo "   took $((SECONDS - began)) s"
    began=$SECONDS
    echo "== $1"
}

# Adds a step that counts as one test of its own: it passes or fails as a whole.
step() {
    local name=$1
    shift
    begin "$name"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$name" >>"$failures"
    fi
}

# Adds up the `test result:` lines of cargo's test programs. A program that does not even build, or
# dies, counts as one failure.
#
#   rust_tests NAME OPTION-OF-CARGO-TEST...
rust_tests() {
    rust_tests_by "$1" cargo test --no-fail-fast "${@:2}"
}

# The same, by another command that runs such programs.
rust_tests_by() {
    local log=$target/rust-tests.log status=0 counts name=$1
    shift
    begin "$name"
    "$@" 2>&1 | tee "$log" | sed -nE '/^(test result|test .*FAILED|error)/p; /^thread .* panicked/,+4p'
    status=${PIPESTATUS[0]}
    counts=$(sed -n 's/^test result: [a-zA-Z]*\. \([0-9]*\) passed; \([0-9]*\) failed.*/\1 \2/p' "$log" |
        awk '{ passed += $1; failed += $2 } END { print passed + 0, failed + 0 }')
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
    sed -nE "s/^test (.*) \.\.\. FAILED/$name: \1/p; /^thread .* panicked/,+2p" "$log" >>"$failures"
    if [ "$status" != 0 ] && [ "${counts#* }" = 0 ]; then
        tail -n 60 "$log"
        failed=$((failed + 1))
        echo "$name: $(grep -m 1 -E '^error' "$log")" >>"$failures"
    fi
}

# The development build's wasm is three quarters names for debuggers, which each of some hundred page
# loads would fetch.
without_names() {
    local wasm features
    features=(--enable-bulk-memory --enable-multivalue --enable-mutable-globals
        --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext)
    for wasm in target/site/pkg/*.wasm; do
        wasm-opt -O0 --strip-debug "${features[@]}" "$wasm" -o "$wasm.small" && mv "$wasm.small" "$wasm" || return 1
    done
}

# Playwright's own summary, read from its JSON report.
browser_tests() {
    local built status=0 counts report
    built=$(cd "$target" && pwd)
    report=$built/playwright.json
    begin "browser tests"
    rm -f "$report"
    (cd end2end && IMPORT_RELAY_BIN=$built/debug/import-relay PLAYWRIGHT_JSON_OUTPUT_NAME=$report npx playwright test --reporter=list,json) || status=$?
    counts=$(node -e '
        const { stats } = JSON.parse(require("fs").readFileSync(process.argv[1]));
        console.log(stats.expected + stats.flaky, stats.unexpected);
    ' "$report" 2>/dev/null) || counts="0 1"
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
    if [ "$status" != 0 ] && [ "${counts#* }" = 0 ]; then
        failed=$((failed + 1))
        echo "browser tests ended with $status" >>"$failures"
    fi
    node -e '
        const walk = (suite) => [...(suite.specs ?? []), ...(suite.suites ?? []).flatMap(walk)];
        const colours = /\x1b\[[0-9;]*m/g;
        for (const spec of walk(JSON.parse(require("fs").readFileSync(process.argv[1]))).filter((spec) => !spec.ok)) {
            console.log(`${spec.file}:${spec.line} ${spec.title}`);
            for (const { errors = [] } of spec.tests.flatMap((test) => test.results))
                for (const { message = "", location } of errors)
                    console.log(`  line ${location?.line}: ${message.replace(colours, "").replace(/\s+/g, " ").slice(0, 280)}`);
        }
    ' "$report" >>"$failures" 2>/dev/null
}

# A PostgreSQL server that lasts as long as this script.
start_postgres() {
    postgres_directory=$(mktemp -d)
    trap 'scripts/postgres.sh stop "$postgres_directory"' EXIT
    IMPORT_RELAY_POSTGRES=$(scripts/postgres.sh start "$postgres_directory") || {
        unset IMPORT_RELAY_POSTGRES
        return 1
    }
    export IMPORT_RELAY_POSTGRES
}

# Whether systemd understands the unit, where there is one to ask.
systemd_unit() {
    local unit=$target/import-relay.service said
    command -v systemd-analyze >/dev/null || return 0
    sed 's#^ExecStart=.*#ExecStart=/bin/true#' deploy/import-relay.service >"$unit"
    said=$(systemd-analyze verify "$unit" 2>&1)
    [ -z "$said" ] || { echo "$said"; return 1; }
}

step "form and lints" scripts/lint.sh
step "systemd unit" systemd_unit
step "licences, sources and advisories" scripts/deny.sh
step "container, proxy and Vercel files" scripts/deploy-files.sh
step "links in the documentation" node scripts/doc-links.mjs
rust_tests "product files" --package product-feed
rust_tests "the price monitor's messages" --package price-monitor-wire
rust_tests "sessions of Auth.js" --package authjs-session
rust_tests "the hook" --package import-relay-hook
rust_tests "unit, property and HTTP tests" --package import-relay --features ssr
rust_tests "what threads share" --package relay-sync
rust_tests "the same in every order of threads, by a model checker" --release --package relay-sync --features loom \
    --target-dir "$target/threads"
step "PostgreSQL" start_postgres
if [ -n "${IMPORT_RELAY_POSTGRES:-}" ]; then
    # All that touches the database once more, and what takes several processes.
    rust_tests "the library on PostgreSQL" --package import-relay --features ssr --lib -- --include-ignored
    rust_tests "the program on PostgreSQL" --package import-relay --features ssr --test it -- --include-ignored \
        relay:: access:: price_monitor:: import_controls:: import_crash:: product_files:: ops:: instances::
    # With the flags of Vercel's builder: none.
    RUSTFLAGS='' rust_tests "the function, under a stand-in of its runtime" --package import-relay-vercel -- --include-ignored
fi
step "development build" scripts/build.sh dev
step "wasm without names" without_names
step "examples of the hook" scripts/hook-examples.sh
rust_tests_by "the hook in Chromium" scripts/hook-tests.sh
step "the REST API against its description" scripts/schemathesis.sh
browser_tests
# Last, for it leaves another program in the place of the one that the browser tests take.
step "compressed site" scripts/compress-site.sh
rust_tests "the program as one file" --package import-relay --features embed-site --test it ops::single_file

echo "   took $((SECONDS - began)) s; all $SECONDS s"
# Once more what failed, cut to what the tail of a long log shows.
if [ -s "$failures" ]; then
    echo "== what failed"
    cut -c 1-300 "$failures" | head -n 40
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
