#!/usr/bin/env bash
# Run a command with a private, temporary container engine and registry: docker.sh COMMAND [ARGUMENT…]
# The command finds the engine's socket in RUTTER_TEST_DOCKER, and the registry, HOST:PORT, in RUTTER_TEST_REGISTRY. The
# registry has the image `probe:1`: the program of tests/apps/probe, whose file is RUTTER_TEST_PROBE. Engine and registry
# are Debian's, and are installed if they are missing. An engine of the system is left alone: this one, and the command,
# have their own networks, mounts and processes, which end with the command, however that ends. So the command reaches
# nothing but what is started inside: databases and stores, too (docker.sh postgres.sh COMMAND). Build and download before.
# Needs root.
set -euo pipefail

if [ "${1:-}" != --inside ]; then
    [ $# -gt 0 ] || { echo "usage: docker.sh COMMAND [ARGUMENT…]" >&2; exit 2; }
    [ "$(id -u)" = 0 ] || { echo "docker.sh: a container engine needs root: run this as root, or in a virtual machine" >&2; exit 1; }
    missing=()
    [ -x /usr/sbin/dockerd ] || missing+=(docker.io)
    [ -x /usr/bin/docker-registry ] || missing+=(docker-registry)
    [ -x /usr/sbin/iptables ] || missing+=(iptables)
    [ -x /usr/sbin/nft ] || missing+=(nftables)
    command -v ip >/dev/null || missing+=(iproute2)
    if [ ${#missing[@]} -gt 0 ]; then
        echo "docker.sh: installing ${missing[*]}" >&2
        # RUNLEVEL keeps the packages from starting services.
        RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
    fi

    folder=$(mktemp -d "${TMPDIR:-/tmp}/rutter-docker.XXXXXXXX")
    inside=
    stop() {
        status=$?
        trap - EXIT INT TERM HUP
        # Its end ends all processes of the namespace, and with them its mounts and networks.
        if [ -n "$inside" ] && kill -0 "$inside" 2>/dev/null; then
            kill -KILL "$inside" 2>/dev/null || true
        fi
        [ -z "$inside" ] || wait "$inside" 2>/dev/null || true
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            find /sys/fs/cgroup -depth -type d -path "*/${folder##*/}*" -exec rmdir {} + 2>/dev/null || true
            rm -rf "$folder" 2>/dev/null && break
            sleep 0.2
        done
        exit "$status"
    }
    trap stop EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP

    here=$(cd "$(dirname "$0")" && pwd)
    # One static file, so that the image needs nothing else.
    mkdir "$folder/image"
    rustc --edition 2024 -C target-feature=+crt-static -C strip=symbols -O \
        "$here/../tests/apps/probe/main.rs" -o "$folder/image/probe"

    # --pdeathsig also covers kill -9 of this script.
    setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child --mount-proc \
        "$here/docker.sh" --inside "$folder" "$@" <&0 &
    inside=$!
    status=0
    wait "$inside" || status=$?
    exit "$status"
fi

# From here on: inside of the namespaces, as their first process.
folder=$2
shift 2
# The folders of a system's engine, whose containerd this one would use, and of named network namespaces.
for run in /run/containerd /run/docker /run/netns; do
    mkdir -p "$run"
    mount -t tmpfs none "$run"
done
ip link set lo up

# Many small networks, because each app has one.
/usr/sbin/dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" \
    --host "unix://$folder/sock" --bridge none --default-address-pool base=10.213.0.0/16,size=28 \
    --cgroup-parent "/${folder##*/}" --userland-proxy=false --log-level warn \
    </dev/null >"$folder/dockerd.log" 2>&1 &
dockerd=$!

port=5000
cat >"$folder/registry.yml" <<YAML
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: "$folder/registry" }, delete: { enabled: true } }
http: { addr: "127.0.0.1:$port" }
YAML
/usr/bin/docker-registry serve "$folder/registry.yml" </dev/null >"$folder/registry.log" 2>&1 &
registry=$!
# A test kills the engine, which is nothing to report.
disown -a

# Without the credentials and plugins of the user.
docker() { DOCKER_CONFIG=$folder/config command docker --host "unix://$folder/sock" "$@"; }
failed() {
    cat "$folder/dockerd.log" "$folder/registry.log" >&2
    echo "docker.sh: $1" >&2
    exit 1
}
for _ in $(seq 300); do
    kill -0 "$dockerd" 2>/dev/null || failed "the engine has ended"
    kill -0 "$registry" 2>/dev/null || failed "the registry has ended"
    if docker version >/dev/null 2>&1 && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        ready=1
        break
    fi
    sleep 0.1
done
[ -n "${ready:-}" ] || failed "the engine does not start"

# An import, because newer clients build with an engine of their own.
tar -C "$folder/image" -c probe | docker import --change 'ENTRYPOINT ["/probe"]' - "127.0.0.1:$port/probe:1" >/dev/null
docker push --quiet "127.0.0.1:$port/probe:1" >/dev/null

status=0
RUTTER_TEST_DOCKER=$folder/sock RUTTER_TEST_REGISTRY=127.0.0.1:$port RUTTER_TEST_PROBE=$folder/image/probe "$@" || status=$?
# Gently, so that the engine removes its control groups. A test may have started another one.
dockerd=$(cat "$folder/pid" 2>/dev/null || echo "$dockerd")
kill "$dockerd" "$registry" 2>/dev/null || true
for _ in $(seq 50); do
    kill -0 "$dockerd" 2>/dev/null || break
    sleep 0.1
done
exit "$status"
