#!/usr/bin/env bash
# Writes a compressed copy beside each file of the development build's site, as in a release, but with fast compression.
# The next build removes them.
set -euo pipefail
cd "$(dirname "$0")/.."

node -e '
    const { readdirSync, readFileSync, writeFileSync } = require("fs");
    const { brotliCompressSync, constants } = require("zlib");
    const params = { [constants.BROTLI_PARAM_QUALITY]: 1 };
    for (const name of readdirSync("target/site/pkg", { recursive: true })) {
        if (/\.(css|js|wasm)$/.test(name)) {
            const path = `target/site/pkg/${name}`;
            writeFileSync(`${path}.br`, brotliCompressSync(readFileSync(path), { params }));
        }
    }
'
# Cargo does not notice new files.
touch src/server/site/embedded.rs
