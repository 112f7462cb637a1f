#!/usr/bin/env bash
# Checks licences, bans and sources of all dependencies (deny.toml), and advisories if their database can be reached.
set -euo pipefail
cd "$(dirname "$0")/.."

checks=(licenses bans sources)
database=https://github.com/rustsec/advisory-db
if GIT_TERMINAL_PROMPT=0 timeout 15 git ls-remote --quiet "$database" HEAD >/dev/null 2>&1; then
    checks+=(advisories)
else
    echo "The database of advisories cannot be reached; they are not checked." >&2
fi
exec cargo deny check "${checks[@]}"
