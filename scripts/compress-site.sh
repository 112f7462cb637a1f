#!/usr/bin/env bash
# Puts a compressed form beside each compiled file of the development build's site, as a release has
# them: quickly, not well. The next build of the site removes them.
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
# Files that are new are seen only by a new look.
touch src/server/site/embedded.rs
