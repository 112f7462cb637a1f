#!/usr/bin/env bash
# Packs the release program for publishing: target/dist/import-relay-VERSION-ARCHITECTURE-linux.tar.gz and its SHA-256.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(scripts/release.sh)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
name=import-relay-$version-$(uname -m)-linux
dist=target/dist
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT

mkdir -p "$dist" "$staged/$name"
cp "$program" README.md CHANGELOG.md LICENSE .env.example "$staged/$name"
cp -r deploy docs "$staged/$name"
tar -C "$staged" --owner=0 --group=0 --numeric-owner -czf "$dist/$name.tar.gz" "$name"
(cd "$dist" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
echo "$dist/$name.tar.gz"
