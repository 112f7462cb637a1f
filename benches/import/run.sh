#!/usr/bin/env bash
# Measures imports: see run.mjs, which it gives its arguments. Needs node, npm and sqlite3.
set -euo pipefail
cd "$(dirname "$0")"

command -v sqlite3 >/dev/null || { echo "sqlite3 is needed" >&2; exit 1; }
if ! [ -d node_modules/better-sqlite3 ]; then
    npm install --no-fund --no-audit --no-package-lock >/dev/null 2>&1 ||
        echo "better-sqlite3 cannot be installed; the Node importer is left out" >&2
fi
exec node run.mjs "$@"
