#!/usr/bin/env bash
# Creates the GitHub release of VERSION (a tag, as v0.2.0) with the files of target/dist. The notes are the version's
# section of CHANGELOG.md.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${VERSION:?a tag, for example v0.2.0}"
notes=$(awk -v heading="## [${VERSION#v}]" '
    index($0, heading) == 1 { shown = 1; next }
    /^## \[/ || /^\[/ { shown = 0 }
    shown
' CHANGELOG.md)
[ -n "$notes" ] || { echo "CHANGELOG.md has no section for ${VERSION#v}" >&2; exit 1; }
(cd target/dist && sha256sum --check --quiet ./*.sha256)
exec gh release create "$VERSION" --verify-tag --title "Import Relay ${VERSION#v}" --notes "$notes" target/dist/*
