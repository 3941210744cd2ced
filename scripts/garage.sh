#!/usr/bin/env bash
# Run a command with a private, temporary S3 store (Garage): garage.sh COMMAND [ARGUMENT…]
# The command finds it in RUTTER_TEST_S3, http://KEY:SECRET@127.0.0.1:PORT/BUCKET?region=garage, and its process
# id in RUTTER_TEST_S3_PID. Data and keys are new; the server is stopped and its data deleted, however the command
# ends. Garage is built once, outside of the clone.
set -euo pipefail

version=2.5.0
home=${XDG_CACHE_HOME:-$HOME/.cache}/rutter/garage
garage=$home/bin/garage

install() (
    target=$(mktemp -d "${TMPDIR:-/tmp}/rutter-garage-build.XXXXXXXX")
    trap 'rm -rf "$target"' EXIT
    trap 'exit 130' INT TERM HUP
    echo "garage.sh: building Garage $version once, into $home" >&2
    CARGO_TARGET_DIR=$target cargo install --quiet garage --version "$version" --locked \
        --no-default-features --features sqlite,lmdb,bundled-libs --root "$home" >&2
)
mkdir -p "$home"
exec {lock}>"$home/lock"
flock "$lock"
[[ $("$garage" --version 2>/dev/null) == *"$version"* ]] || install
exec {lock}>&-

folder=$(mktemp -d "${TMPDIR:-/tmp}/rutter-garage.XXXXXXXX")
server=
stop() {
    status=$?
    trap - EXIT INT TERM HUP
    if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
        kill -KILL "$server" 2>/dev/null || true # a test may have stopped it
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
key=GK$(random 12) secret=$(random 32) bucket=rutter

ready() { # port: it listens, and the bucket exists
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null &&
        "$garage" -c "$folder/garage.toml" bucket info "$bucket" >/dev/null 2>&1
}
for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 30000))
    rm -rf "$folder/meta" "$folder/data"
    (umask 077 && cat >"$folder/garage.toml" <<TOML
metadata_dir = "$folder/meta"
data_dir = "$folder/data"
db_engine = "sqlite"
metadata_fsync = false
data_fsync = false
replication_factor = 1
rpc_bind_addr = "127.0.0.1:$((port + 1))"
rpc_public_addr = "127.0.0.1:$((port + 1))"
rpc_secret = "$(random 32)"
[s3_api]
s3_region = "garage"
api_bind_addr = "127.0.0.1:$port"
TOML
    )
    # --pdeathsig also covers kill -9 of this script.
    GARAGE_DEFAULT_ACCESS_KEY=$key GARAGE_DEFAULT_SECRET_KEY=$secret GARAGE_DEFAULT_BUCKET=$bucket \
        RUST_LOG=garage=warn setpriv --pdeathsig KILL \
        "$garage" -c "$folder/garage.toml" server --single-node --default-bucket \
        </dev/null >"$folder/garage.log" 2>&1 &
    server=$!
    for _ in $(seq 300); do
        kill -0 "$server" 2>/dev/null || break
        if ready "$port" && kill -0 "$server" 2>/dev/null; then break 2; fi
        sleep 0.1
    done
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
done
[ -n "$server" ] || { cat "$folder/garage.log" >&2; exit 1; }

RUTTER_TEST_S3="http://$key:$secret@127.0.0.1:$port/$bucket?region=garage" RUTTER_TEST_S3_PID=$server "$@"
