#!/usr/bin/env bash
# Runs fuzz targets, one after the other: all of them, or those that are named.
#
#   FUZZ_MINUTES   how long each runs, 3 when it is not set
#
# Each begins with fuzz/seeds/TARGET, where there are some, and those that read files with tests/feeds. What
# breaks it is left in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${FUZZ_MINUTES:-3}
# Those of the price monitor's messages, which need nothing of the app to be built.
messages=" socket_io plain "

if [ $# = 0 ]; then
    set -- $(sed -n 's/^name = "\(.*\)"$/\1/p' fuzz/Cargo.toml | tail -n +2)
fi
fuzz() {
    if cargo +nightly --version >/dev/null 2>&1; then
        cargo +nightly fuzz "$@"
    else
        RUSTC_BOOTSTRAP=1 cargo fuzz "$@"
    fi
}
for target in "$@"; do
    features=()
    case $messages in *" $target "*) features=(--no-default-features) ;; esac
    corpus=fuzz/corpus/$target seeds=fuzz/seeds/$target
    mkdir -p "$corpus"
    folders=("$corpus")
    [ ! -d "$seeds" ] || folders+=("$seeds")
    case $target in feed | feed_dialect | feed_xml) folders+=(tests/feeds) ;; esac
    echo "== $target, $minutes min"
    fuzz run "${features[@]}" "$target" "${folders[@]}" -- \
        -max_total_time=$((minutes * 60)) -max_len=16384 -print_final_stats=1
done
