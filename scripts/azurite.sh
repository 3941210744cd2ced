#!/usr/bin/env bash
# Run a command with a private, temporary Azure Blob store (azurite): azurite.sh COMMAND [ARGUMENT…]
# The command finds it in RUTTER_TEST_AZURE, http://ACCOUNT:KEY@127.0.0.1:PORT/ACCOUNT/CONTAINER with the key
# percent-encoded, and its process id in RUTTER_TEST_AZURE_PID. Data and key are new; the server is stopped and
# its data deleted, however the command ends. azurite is installed once, outside of the clone.
set -euo pipefail

version=3.35.0
home=${XDG_CACHE_HOME:-$HOME/.cache}/rutter/azurite-$version
azurite=$home/node_modules/azurite/dist/src/blob/main.js

mkdir -p "$home"
exec {lock}>"$home/lock"
flock "$lock"
if [ ! -f "$home/complete" ]; then
    echo "azurite.sh: installing azurite $version once, into $home" >&2
    npm install --silent --no-audit --no-fund --prefix "$home" "azurite@$version" >&2
    touch "$home/complete"
fi
exec {lock}>&-

folder=$(mktemp -d "${TMPDIR:-/tmp}/rutter-azurite.XXXXXXXX")
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

account=rutter container=objects
key=$(head -c 64 /dev/urandom | base64 -w0)
encoded=${key//+/%2B} encoded=${encoded//\//%2F} encoded=${encoded//=/%3D}

answers() { node -e "fetch('http://127.0.0.1:$1/').then(() => process.exit(0), () => process.exit(1))"; }
for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 30000))
    # --pdeathsig also covers kill -9 of this script.
    AZURITE_ACCOUNTS="$account:$key" setpriv --pdeathsig KILL \
        node "$azurite" --silent --disableTelemetry --location "$folder" --blobHost 127.0.0.1 --blobPort "$port" \
        </dev/null >"$folder/azurite.log" 2>&1 &
    server=$!
    for _ in $(seq 100); do
        kill -0 "$server" 2>/dev/null || break
        if answers "$port" && kill -0 "$server" 2>/dev/null; then break 2; fi
        sleep 0.1
    done
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
done
[ -n "$server" ] || { cat "$folder/azurite.log" >&2; exit 1; }

# Create the container with a shared key (Create Container; "Authorize with Shared Key").
ACCOUNT=$account KEY=$key PORT=$port CONTAINER=$container node - <<'NODE'
const { ACCOUNT, KEY, PORT, CONTAINER } = process.env;
const date = new Date().toUTCString(), version = "2023-11-03";
const path = `/${ACCOUNT}/${CONTAINER}`;
const text = `PUT${"\n".repeat(12)}x-ms-date:${date}\nx-ms-version:${version}\n/${ACCOUNT}${path}\nrestype:container`;
const signature = require("crypto").createHmac("sha256", Buffer.from(KEY, "base64")).update(text).digest("base64");
fetch(`http://127.0.0.1:${PORT}${path}?restype=container`, {
    method: "PUT",
    headers: { "x-ms-date": date, "x-ms-version": version, Authorization: `SharedKey ${ACCOUNT}:${signature}` },
}).then(async (answer) => {
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}).catch((error) => { console.error("azurite.sh:", error.message); process.exit(1); });
NODE

RUTTER_TEST_AZURE="http://$account:$encoded@127.0.0.1:$port/$account/$container" RUTTER_TEST_AZURE_PID=$server "$@"
