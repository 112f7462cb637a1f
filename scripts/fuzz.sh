#!/usr/bin/env bash
# Runs fuzz targets, one after the other: all of them, or those that are named.
#
#   FUZZ_MINUTES   how long each runs, 3 when it is not set
#   FUZZ_SEEDS     a directory of more files to begin with
#
# Those of a crate are in its fuzz/. Each begins with seeds/TARGET, where there
# are some, and those that read product files with crates/product-feed/tests/feeds. What breaks it is left in the
# artifacts beside it.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${FUZZ_MINUTES:-3}
feeds=crates/product-feed
folders=(crates/authjs-session/fuzz crates/price-monitor-wire/fuzz $feeds/fuzz)

targets() {
    sed -n '/^\[\[bin/,$ s/^name = "\(.*\)"$/\1/p' "$1/Cargo.toml"
}
if [ $# = 0 ]; then
    set -- $(for folder in "${folders[@]}"; do targets "$folder"; done)
    # The files that are known to be hostile come first.
    cargo test --release --package product-feed --test memory -- --ignored
fi
fuzz() {
    if cargo +nightly --version >/dev/null 2>&1; then
        cargo +nightly fuzz "$@"
    else
        RUSTC_BOOTSTRAP=1 cargo fuzz "$@"
    fi
}
# What is freed is kept by the sanitizer, to find who still reads it: not so much that it is taken for held.
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=64}
for target in "$@"; do
    for folder in "${folders[@]}"; do
        if targets "$folder" | grep -qx "$target"; then break; fi
    done
    corpus=$folder/corpus/$target
    mkdir -p "$corpus"
    seeds=()
    [ "$folder" != $feeds/fuzz ] || seeds+=($feeds/tests/feeds)
    for more in "$folder/seeds/$target" ${FUZZ_SEEDS:+"$FUZZ_SEEDS"}; do
        [ ! -d "$more" ] || seeds+=("$more")
    done
    echo "== $target, $minutes min"
    # A link-time optimisation of the whole takes long and finds nothing.
    CARGO_PROFILE_RELEASE_LTO=off fuzz run --fuzz-dir "$folder" "$target" "$corpus" "${seeds[@]}" -- \
        -max_total_time=$((minutes * 60)) -max_len=16384 -rss_limit_mb=512 -print_final_stats=1
done
