#!/usr/bin/env bash
# Run a command with a private, temporary PostgreSQL: postgres.sh COMMAND [ARGUMENT…]
# The command finds its address in RUTTER_TEST_POSTGRES, and its process id in RUTTER_TEST_POSTGRES_PID. The
# cluster is not durable, listens on a random loopback port with a random password, and is stopped and deleted
# however the command ends.
set -euo pipefail

bin=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1 || true)
initdb=${bin:+$bin/}initdb postgres=${bin:+$bin/}postgres
command -v "$initdb" >/dev/null || { echo "postgres.sh: PostgreSQL is not installed; run scripts/setup.sh test" >&2; exit 1; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/rutter-postgres.XXXXXXXX")
server=
stop() {
    status=$?
    trap - EXIT INT TERM HUP
    if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
        kill -QUIT "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# PostgreSQL refuses to run as root. --pdeathsig also covers kill -9 of this script.
as=(setpriv --pdeathsig QUIT)
if [ "$(id -u)" = 0 ]; then
    as=(setpriv --reuid=postgres --regid=postgres --init-groups --pdeathsig QUIT)
    chown postgres: "$folder"
fi
cd "$folder"

password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
(umask 077 && printf '%s\n' "$password" >"$folder/password")
[ "$(id -u)" != 0 ] || chown postgres: "$folder/password"
"${as[@]}" "$initdb" --pgdata="$folder/data" --username=postgres --pwfile="$folder/password" \
    --auth=password --encoding=UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1 ||
    { cat "$folder/initdb.log" >&2; exit 1; }

ready() { # port: the server accepts connections
    PGPASSWORD=$password "${bin:+$bin/}pg_isready" --quiet --host=127.0.0.1 --port="$1" --username=postgres
}
for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 30000))
    "${as[@]}" "$postgres" -D "$folder/data" -p "$port" -k '' -h 127.0.0.1 \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
        -c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=256MB -c max_connections=400 -c shared_buffers=128MB -c log_min_messages=fatal \
        </dev/null >"$folder/postgres.log" 2>&1 &
    server=$!
    for _ in $(seq 300); do
        kill -0 "$server" 2>/dev/null || break
        if ready "$port" && kill -0 "$server" 2>/dev/null; then break 2; fi
        sleep 0.1
    done
    kill -QUIT "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
done
[ -n "$server" ] || { cat "$folder/postgres.log" >&2; exit 1; }

cd "$OLDPWD"
RUTTER_TEST_POSTGRES="postgres://postgres:$password@127.0.0.1:$port/postgres" RUTTER_TEST_POSTGRES_PID=$server "$@"
