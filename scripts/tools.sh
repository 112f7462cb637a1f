#!/usr/bin/env bash
# Installs missing tools; does nothing if all are there.
#
#   scripts/tools.sh build          for `make run`
#   scripts/tools.sh test           for `make test`
#   scripts/tools.sh fuzz           for `make fuzz`
#   scripts/tools.sh deny           for `make deny`
#   scripts/tools.sh bench          for `make bench`: the servers to compare with
#   scripts/tools.sh bench-import   for `make bench-import`: the importers to compare with
#   scripts/tools.sh page           for `make bench-page` and `make lighthouse`
#
# The last line on standard output is the PATH to build with; everything else goes to standard error. All checkouts
# share one directory of tools.
set -euo pipefail

cargo_leptos_version=0.3.11
cargo_deny_version=0.20.2
cargo_fuzz_version=0.13.2
binaryen_version=132.0.0
rust_minimum=96
rust_pinned=$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$(dirname "$0")/../rust-toolchain.toml")
schemathesis_version=4.32.5
target=wasm32-unknown-unknown
root=$(cd "$(dirname "$0")/.." && pwd)
tools=${IMPORT_RELAY_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/import-relay/tools}
logs=$tools/logs
mkdir -p "$logs"
PATH=$tools/bin:$tools/npm/node_modules/.bin:$PATH

say() { printf '%s\n' "$*" >&2; }

# Runs a step quietly and shows its output only when it fails.
quietly() {
    local name=$1 log
    shift
    log=$logs/$name.log
    if ! "$@" >"$log" 2>&1; then
        say "$name failed:"
        tail -n 40 "$log" >&2
        return 1
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

have() { command -v "$1" >/dev/null 2>&1; }

apt_install() {
    have apt-get || { say "Please install: $*"; return 1; }
    say "Installing $* ..."
    [ -e "$logs/apt-updated-$$" ] || quietly apt-update as_root apt-get update
    touch "$logs/apt-updated-$$"
    quietly apt-install as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y "$@"
}

# Installs packages by their names in Debian, which are the same in Fedora and Amazon Linux but for one.
system_install() {
    if have apt-get || ! have dnf; then
        apt_install "$@"
        return
    fi
    local packages
    read -ra packages <<<"${*/build-essential/gcc gcc-c++ make}"
    say "Installing ${packages[*]} ..."
    quietly dnf-install as_root dnf install -y "${packages[@]}"
}

rust_is_new_enough() {
    local minor
    minor=$(cd "$root" && rustc --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p')
    [ "${minor:-0}" -ge "$rust_minimum" ]
}

wasm_is_there() {
    local sysroot
    sysroot=$(cd "$root" && rustc --print sysroot 2>/dev/null) || return 1
    compgen -G "$sysroot/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null
}

# Installs the pinned Rust by rustup, beside the user's toolchains.
rust_by_rustup() {
    have rustup || return 1
    say "Installing Rust $rust_pinned with the $target target ..."
    quietly rustup-toolchain timeout 900 rustup toolchain install "$rust_pinned" --profile minimal \
        --component clippy,rustfmt --target "$target" --no-self-update 2>/dev/null || return 1
}

# Installs Debian's current Rust, and builds the target's standard library from its sources.
rust_by_debian() {
    have apt-get || return 1
    if ! [ -x /usr/bin/rustc-web ] && ! dpkg -s rustc-web rust-web-src lld-22 >/dev/null 2>&1; then
        apt_install rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web lld-22 || return 1
    fi
    unset RUSTUP_TOOLCHAIN
    PATH=/usr/bin:$PATH
    wasm_is_there && return 0
    say "Building the standard library for $target (about a minute) ..."
    local crate=$tools/std-$target
    mkdir -p "$crate/src"
    cat >"$crate/Cargo.toml" <<'TOML'
[package]
name = "empty"
version = "0.0.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]
TOML
    echo '#[unsafe(no_mangle)] pub extern "C" fn empty() {}' >"$crate/src/lib.rs"
    quietly wasm-std env -C "$crate" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$crate/target" \
        /usr/bin/cargo build -Zbuild-std=std,panic_abort --target "$target" --release || return 1
    local into
    into=$(rustc --print sysroot)/lib/rustlib/$target/lib
    as_root mkdir -p "$into"
    find "$crate/target/$target/release/deps" -name 'lib*.rlib' ! -name 'libempty*' -print0 |
        as_root xargs -0 cp -t "$into"
    rm -rf "$crate"
}

install_rust() {
    if ! have cc; then system_install build-essential; fi
    rust_is_new_enough && wasm_is_there && return 0
    # An earlier run may have installed it; this needs no network.
    if [ -x /usr/bin/rustc ] && (PATH=/usr/bin:$PATH; unset RUSTUP_TOOLCHAIN; rust_is_new_enough && wasm_is_there); then
        unset RUSTUP_TOOLCHAIN
        PATH=/usr/bin:$PATH
        return 0
    fi
    rust_by_rustup && rust_is_new_enough && wasm_is_there && return 0
    rust_by_debian && rust_is_new_enough && wasm_is_there && return 0
    say "Rust 1.$rust_minimum or newer with the $target target is needed: https://rustup.rs"
    return 1
}

# Installs a tool at a version: prebuilt by cargo-binstall if that is there, else from source, without the tool's own
# release profile, whose LTO takes twice as long.
cargo_tool() {
    local name=$1 version=$2
    shift 2
    if have cargo-binstall && quietly "$name-prebuilt" timeout 180 cargo binstall --no-confirm --force \
        --strategies crate-meta-data --root "$tools" "$name@$version" 2>/dev/null; then
        return
    fi
    say "Building $name (some minutes, once) ..."
    quietly "$name" env CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_TARGET_DIR="$tools/target" \
        cargo install "$name" --version "$version" "$@" --root "$tools"
}

install_build_tools() {
    install_rust
    local bindgen
    bindgen=$(sed -n '/^name = "wasm-bindgen"$/{n;s/version = "\(.*\)"/\1/p}' "$root/Cargo.lock")
    if ! cargo leptos --version 2>/dev/null | grep -q " 0\.3\."; then
        cargo_tool cargo-leptos "$cargo_leptos_version" --locked
    fi
    if [ "$(wasm-bindgen --version 2>/dev/null)" != "wasm-bindgen $bindgen" ]; then
        # Without its lock file, which may name versions that the registry mirror does not have yet.
        cargo_tool wasm-bindgen-cli "$bindgen" --force
    fi
    rm -rf "$tools/target"
    if ! have wasm-opt; then
        have npm || system_install nodejs npm
        say "Installing wasm-opt ..."
        quietly binaryen npm install --prefix "$tools/npm" --no-fund --no-audit \
            "binaryen@$binaryen_version"
    fi
}

install_test_tools() {
    have node || apt_install nodejs npm
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || have initdb || apt_install postgresql
    have nginx || [ -x /usr/sbin/nginx ] || apt_install nginx
    have caddy || apt_install caddy
    have pgbouncer || [ -x /usr/sbin/pgbouncer ] || apt_install pgbouncer
    docker compose version >/dev/null 2>&1 || python3 -c 'import yaml' 2>/dev/null || apt_install python3-yaml
    if ! have chromium && ! compgen -G "$HOME/.cache/ms-playwright/chromium-*" >/dev/null; then
        apt_install chromium || (cd "$root/end2end" && npx playwright install chromium)
    fi
    have chromedriver || apt_install chromium-driver
    have firefox-esr || [ -n "${FIREFOX:-}" ] || apt_install firefox-esr
    # WebKit, and a virtual display for it.
    if [ -z "${WEBKIT_DRIVER:-}" ]; then
        have WebKitWebDriver && have xvfb-run || apt_install webkit2gtk-driver xvfb xauth
    fi
    if ! "$tools/schemathesis/bin/schemathesis" --version 2>/dev/null | grep -q " $schemathesis_version$"; then
        say "Installing schemathesis ..."
        python3 -m venv --help >/dev/null 2>&1 && python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv
        quietly schemathesis-venv python3 -m venv "$tools/schemathesis"
        quietly schemathesis "$tools/schemathesis/bin/pip" install --quiet "schemathesis==$schemathesis_version"
    fi
    local packages
    for packages in end2end tests/authjs; do
        packages=$root/$packages
        if ! [ "$packages/node_modules/.package-lock.json" -nt "$packages/package-lock.json" ]; then
            say "Installing the tests' packages in $packages ..."
            quietly npm env -C "$packages" npm ci --no-fund --no-audit
            touch "$packages/node_modules/.package-lock.json"
        fi
    done
}

install_import_bench_tools() {
    have node || apt_install nodejs npm
    have sqlite3 || apt_install sqlite3
}

install_bench_tools() {
    local peers=$root/benches/fan_out/peers
    install_import_bench_tools
    have nginx && [ -e /usr/lib/nginx/modules/ngx_nchan_module.so ] ||
        apt_install nginx-light libnginx-mod-nchan
    local peer
    for peer in "$peers" "$peers/next"; do
        [ "$peer/node_modules/.package-lock.json" -nt "$peer/package-lock.json" ] && continue
        say "Installing the Node peers' packages ..."
        quietly npm-peer npm ci --prefix "$peer" --no-fund --no-audit
        touch "$peer/node_modules/.package-lock.json"
    done
    if ! [ -e "$peers/next/.next/standalone/server.js" ]; then
        say "Building the Next.js peer ..."
        quietly next-peer env -C "$peers/next" NEXT_TELEMETRY_DISABLED=1 npm run build
    fi
}

install_page_tools() {
    local bench=$root/benches/page
    have node || apt_install nodejs npm
    have chromium || apt_install chromium
    [ "$bench/node_modules/.package-lock.json" -nt "$bench/package-lock.json" ] && return
    say "Installing the page bench's packages ..."
    quietly npm-page npm ci --prefix "$bench" --no-fund --no-audit
    touch "$bench/node_modules/.package-lock.json"
}

install_fuzz_tools() {
    install_rust
    cargo fuzz --version >/dev/null 2>&1 || cargo_tool cargo-fuzz "$cargo_fuzz_version" --locked
}

install_deny() {
    cargo deny --version >/dev/null 2>&1 || cargo_tool cargo-deny "$cargo_deny_version" --locked
}

case ${1:-} in
    build) install_build_tools ;;
    test) install_build_tools && install_test_tools && install_deny ;;
    fuzz) install_fuzz_tools ;;
    deny) install_build_tools && install_deny ;;
    bench) install_build_tools && install_bench_tools ;;
    bench-import) install_build_tools && install_import_bench_tools ;;
    page) install_build_tools && install_page_tools ;;
    *)
        say "usage: scripts/tools.sh build|test|fuzz|deny|bench|bench-import|page"
        exit 2
        ;;
esac
printf '%s\n' "$PATH"
