#!/usr/bin/env bash
# Builds the site that Vercel serves beside the function: target/vercel.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$(scripts/tools.sh build)
export PATH
# The function does not know the hashes, so the names have none.
LEPTOS_HASH_FILES=false cargo leptos build --release --frontend-only
rm -rf target/vercel
cp -r target/site target/vercel
