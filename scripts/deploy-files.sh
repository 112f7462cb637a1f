#!/usr/bin/env bash
# Checks the syntax of the deployment files and that the files they name exist, as far as possible without a container
# engine.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "$*" >&2; exit 1; }

# All files that the image is built from are in the repository.
sed -n 's/^COPY \(--[^ ]* \)*//p' Dockerfile | while read -r line; do
    case $line in /*) continue ;; esac
    read -ra words <<<"$line"
    for source in "${words[@]::${#words[@]}-1}"; do
        [ -e "$source" ] || fail "Dockerfile copies $source, which is not there"
    done
done
grep -q '^MemoryMax=' deploy/import-relay.service || fail "the unit has no limit of memory"
grep -q '^USER\|:nonroot@' Dockerfile || fail "the image runs as root"

# Images are pinned by digest, because tags can be moved.
pinned='[^ ]+:[^ @]+@sha256:[0-9a-f]{64}( AS [a-z]+)?$'
for file in Dockerfile compose.yaml deploy/compose.scale.yaml .github/workflows/ci.yml; do
    loose=$(grep -E '^FROM |^ *(image|container): .*:' "$file" | grep -Ev "^(FROM| *(image|container):) $pinned" || true)
    [ -z "$loose" ] || fail "$file: without a digest: $loose"
done
# Dependabot updates those of the Dockerfile and the compose files. The container of the tests is the one it is built in.
built_in=$(sed -n 's/^FROM \(.*\) AS build$/\1/p' Dockerfile)
grep -qF "container: $built_in" .github/workflows/ci.yml || fail ".github/workflows/ci.yml tests in another image than $built_in"

export POSTGRES_PASSWORD=x PRICE_MONITOR_API_KEY=x
for file in compose.yaml deploy/compose.scale.yaml; do
    if docker compose version >/dev/null 2>&1; then
        docker compose -f "$file" config --quiet
    fi
    if python3 -c 'import yaml' 2>/dev/null; then
        python3 - "$file" <<'PYTHON'
import os, sys, yaml

path = sys.argv[1]
here = os.path.dirname(path) or "."
project = yaml.safe_load(open(path))
services, volumes = project["services"], project.get("volumes", {})
for name, service in services.items():
    assert "image" in service or "build" in service, f"{path}: {name} is made of nothing"
    assert "mem_limit" in service, f"{path}: {name} has no limit of memory"
    build = service.get("build")
    assert not build or os.path.exists(os.path.join(here, build, "Dockerfile")), f"{path}: {build}"
    for needed in service.get("depends_on", []):
        assert needed in services, f"{path}: {name} depends on {needed}"
    for mount in service.get("volumes", []):
        source = mount.split(":")[0]
        known = os.path.exists(os.path.join(here, source)) if source[0] in "./" else source in volumes
        assert known, f"{path}: {name} mounts {source}"
PYTHON
    fi
done

if command -v caddy >/dev/null; then
    caddy validate --adapter caddyfile --config deploy/Caddyfile >/dev/null 2>&1 ||
        { caddy validate --adapter caddyfile --config deploy/Caddyfile || fail "deploy/Caddyfile"; }
fi
if nginx=$(PATH=$PATH:/usr/sbin command -v nginx); then
    directory=$(mktemp -d)
    trap 'rm -r "$directory"' EXIT
    {
        echo "pid $directory/pid; error_log stderr; events {} http { access_log off;"
        for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $directory/$kind;"; done
        # nginx resolves names at its start, and ports below 1024 need privileges.
        sed -E 's/server (relay|monitor):/server 127.0.0.1:/; s/listen 80;/listen 127.0.0.1:8080;/' \
            deploy/nginx.conf deploy/nginx-monitor.conf
        echo "}"
    } >"$directory/nginx.conf"
    "$nginx" -q -t -p "$directory" -c "$directory/nginx.conf" || fail "deploy/nginx.conf"
fi
node -e 'JSON.parse(require("fs").readFileSync("vercel.json"))'
