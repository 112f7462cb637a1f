#!/usr/bin/env bash
# Runs all fuzz targets, or the named ones, one after the other.
#
#   FUZZ_MINUTES   minutes for each, 3 by default
#   FUZZ_SEEDS     a directory of further seeds
#
# A crate's targets are in its fuzz/. Seeds are in seeds/TARGET beside it; targets that read product files also start from
# crates/product-feed/tests/feeds. Inputs that fail are written to artifacts/ there.
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
    # Known hostile files are first.
    cargo test --release --package product-feed --test memory -- --ignored
fi
fuzz() {
    if cargo +nightly --version >/dev/null 2>&1; then
        cargo +nightly fuzz "$@"
    else
        RUSTC_BOOTSTRAP=1 cargo fuzz "$@"
    fi
}
# The sanitizer keeps freed memory to find uses after free. Limited, because it would count as memory in use.
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
    # Link-time optimisation takes long and finds nothing.
    CARGO_PROFILE_RELEASE_LTO=off fuzz run --fuzz-dir "$folder" "$target" "$corpus" "${seeds[@]}" -- \
        -max_total_time=$((minutes * 60)) -max_len=16384 -rss_limit_mb=512 -print_final_stats=1
done
