#!/usr/bin/env bash
# Runs fuzz targets, one after the other: all of them, or those that are named.
#
#   FUZZ_MINUTES   how long each runs, 3 when it is not set
#
# There are those of the app in fuzz/, and those of the product files in crates/product-feed/fuzz/. Each begins
# with seeds/TARGET, where there are some, and those that read files with crates/product-feed/tests/feeds. What
# breaks it is left in the artifacts beside it.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${FUZZ_MINUTES:-3}
# Those of the price monitor's messages, which need nothing of the app to be built.
messages=" socket_io plain "
feeds=crates/product-feed

targets() {
    sed -n '/^\[\[bin/,$ s/^name = "\(.*\)"$/\1/p' "$1/Cargo.toml"
}
if [ $# = 0 ]; then
    set -- $(targets fuzz) $(targets $feeds/fuzz)
fi
fuzz() {
    if cargo +nightly --version >/dev/null 2>&1; then
        cargo +nightly fuzz "$@"
    else
        RUSTC_BOOTSTRAP=1 cargo fuzz "$@"
    fi
}
# The files that are known to be hostile come first.
cargo test --release --package product-feed --test memory -- --ignored
for target in "$@"; do
    folder=fuzz features=()
    case $messages in *" $target "*) features=(--no-default-features) ;; esac
    if targets $feeds/fuzz | grep -qx "$target"; then
        folder=$feeds/fuzz
    fi
    corpus=$folder/corpus/$target seeds=$folder/seeds/$target
    mkdir -p "$corpus"
    folders=("$corpus")
    [ ! -d "$seeds" ] || folders+=("$seeds")
    [ $folder = fuzz ] || folders+=("$feeds/tests/feeds")
    echo "== $target, $minutes min"
    # A link-time optimisation of the whole takes long and finds nothing.
    CARGO_PROFILE_RELEASE_LTO=off fuzz run --fuzz-dir "$folder" "${features[@]}" "$target" "${folders[@]}" -- \
        -max_total_time=$((minutes * 60)) -max_len=16384 -print_final_stats=1
done
