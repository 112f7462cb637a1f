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

# Runs a step that counts as one test.
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

# Adds up the `test result:` lines of cargo's test programs. A program that does not build or crashes counts as one
# failure.
#
#   rust_tests NAME OPTION-OF-CARGO-TEST...
rust_tests() {
    rust_tests_by "$1" cargo test --no-fail-fast "${@:2}"
}

# The same for another command that runs test programs.
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

# Three quarters of the development build's wasm are names for debuggers, which would be loaded about a hundred times.
without_names() {
    local wasm features
    features=(--enable-bulk-memory --enable-multivalue --enable-mutable-globals
        --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext)
    for wasm in target/site/pkg/*.wasm; do
        wasm-opt -O0 --strip-debug "${features[@]}" "$wasm" -o "$wasm.small" && mv "$wasm.small" "$wasm" || return 1
    done
}

# Copies the program, which cargo replaces at the next build. The variable is as cargo-leptos sets it, whose build has compiled
# all else.
build_one_file() {
    LEPTOS_OUTPUT_NAME=import-relay cargo build --quiet --package import-relay --bin import-relay --features ssr,styleguide,embed-site &&
        cp "$target/debug/import-relay" "$target/one-file"
}

# Adds Playwright's results from its JSON report.
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
        const isFlaky = (spec) => spec.tests.some((test) => test.status === "flaky");
        const specs = walk(JSON.parse(require("fs").readFileSync(process.argv[1])));
        for (const spec of specs.filter((spec) => !spec.ok || isFlaky(spec))) {
            console.log(`${spec.file}:${spec.line} ${spec.title}${isFlaky(spec) ? " (passed at a second try)" : ""}`);
            for (const { errors = [] } of spec.tests.flatMap((test) => test.results))
                for (const { message = "", location } of errors)
                    console.log(`  line ${location?.line}: ${message.replace(colours, "").replace(/\s+/g, " ").slice(0, 280)}`);
        }
    ' "$report" >>"$failures" 2>/dev/null
}

# Starts a PostgreSQL server, which is stopped at exit.
start_postgres() {
    postgres_directory=$(mktemp -d)
    trap 'scripts/postgres.sh stop "$postgres_directory"' EXIT
    IMPORT_RELAY_POSTGRES=$(scripts/postgres.sh start "$postgres_directory") || {
        unset IMPORT_RELAY_POSTGRES
        return 1
    }
    export IMPORT_RELAY_POSTGRES
}

# Checks the unit if there is a systemd.
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
# The same features as the development build, so that neither compiles what the other has.
rust_tests "unit, property and HTTP tests" --package import-relay --features ssr,styleguide
rust_tests "what threads share" --package relay-sync
rust_tests "the same in every order of threads, by a model checker" --release --package relay-sync --features loom \
    --target-dir "$target/threads"
step "PostgreSQL" start_postgres
if [ -n "${IMPORT_RELAY_POSTGRES:-}" ]; then
    # All tests that use the database again, and those with several processes.
    rust_tests "the library on PostgreSQL" --package import-relay --features ssr,styleguide --lib -- --include-ignored
    rust_tests "the program on PostgreSQL" --package import-relay --features ssr,styleguide --test it -- --include-ignored \
        relay:: access:: price_monitor:: import_controls:: import_crash:: product_files:: ops:: instances::
    # Like Vercel's builder, which sets RUSTFLAGS to an empty text.
    RUSTFLAGS='' rust_tests "the function, under a stand-in of its runtime" --package import-relay-vercel \
        --features import-relay/styleguide -- --include-ignored
fi
step "development build" scripts/build.sh dev
step "wasm without names" without_names
step "examples of the hook" scripts/hook-examples.sh
rust_tests_by "the hook in Chromium" scripts/hook-tests.sh
step "the REST API against its description" scripts/schemathesis.sh
browser_tests
# Last, because it replaces the program that the browser tests use.
step "compressed site" scripts/compress-site.sh
step "the program as one file" build_one_file
IMPORT_RELAY_ONE_FILE=$(realpath "$target")/one-file rust_tests "the site inside it" --package import-relay \
    --features ssr,styleguide --test it one_file:: -- --ignored

echo "   took $((SECONDS - began)) s; all $SECONDS s"
# Repeats the failures at the end of the log, shortened.
if [ -s "$failures" ]; then
    echo "== what failed"
    cut -c 1-300 "$failures" | head -n 40
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
