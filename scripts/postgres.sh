#!/usr/bin/env bash
# Starts and stops a temporary PostgreSQL server on a loopback port, for tests.
#
#   scripts/postgres.sh start DIRECTORY   starts it, and prints its URL without a database
#   scripts/postgres.sh stop DIRECTORY    stops it, and removes the directory
set -euo pipefail

directory=${2:?a directory}
binaries=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
PATH=${binaries:+$binaries:}$PATH

# PostgreSQL does not run as root.
as_user() {
    if [ "$(id -u)" = 0 ]; then runuser -u nobody -- "$@"; else "$@"; fi
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 20000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

case ${1:-} in
    start)
        mkdir -p "$directory"
        if [ "$(id -u)" = 0 ]; then chown nobody "$directory"; fi
        cd "$directory"
        export HOME=$directory
        as_user initdb --pgdata data --auth trust --username relay --no-sync --encoding UTF8 \
            --locale C >initdb.log 2>&1 || { cat initdb.log >&2; exit 1; }
        port=$(free_port)
        # The data need not survive a crash.
        as_user pg_ctl --pgdata data --log "$directory/server.log" --wait --timeout 60 start -o "\
            -p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$directory \
            -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
            -c max_connections=400" >pg_ctl.log 2>&1 || { cat pg_ctl.log server.log >&2; exit 1; }
        echo "postgres://relay@127.0.0.1:$port"
        ;;
    stop)
        cd "$directory"
        as_user pg_ctl --pgdata data --mode immediate --wait stop >/dev/null 2>&1 || true
        cd / && rm -rf "$directory"
        ;;
    *)
        echo "usage: scripts/postgres.sh start|stop DIRECTORY" >&2
        exit 2
        ;;
esac
