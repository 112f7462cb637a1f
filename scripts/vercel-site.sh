#!/usr/bin/env bash
# Builds the static files that Vercel serves beside the function: target/vercel.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$(scripts/tools.sh build)
export PATH
# File names have no hashes, because the function does not know them.
LEPTOS_HASH_FILES=false cargo leptos build --release --frontend-only
rm -rf target/vercel
cp -r target/site target/vercel
