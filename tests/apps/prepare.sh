#!/usr/bin/env bash
# Downloads what the stories of apps need, because scripts/docker.sh reaches no other machine. Prints the folder, which is
# kept between runs:
#   base.tar            a Debian with Python, in place of the base image of deploy/apps/notes
#   jupyterlab.tar      what deploy/apps/jupyterlab/build.sh makes
#   python              a Python with requests and websockets
#   node_modules        ws
# Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" = 0 ] || { echo "prepare.sh: making the root of an image needs root" >&2; exit 1; }
python=(requests==2.34.2 websockets==17.4) ws=8.23.0 suite=trixie
home=${XDG_CACHE_HOME:-$HOME/.cache}/rutter/apps

missing=()
want() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
want mmdebstrap mmdebstrap
want npm npm
want curl curl
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
if [ ${#missing[@]} -gt 0 ]; then
    echo "prepare.sh: installing ${missing[*]}" >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

mkdir -p "$home"
exec {lock}>"$home/lock"
flock "$lock"

# once NAME KEY COMMAND…: makes a file or folder, unless the command has made it before from the same key.
once() {
    local name=$1 key=$2
    shift 2
    [ "$(cat "$home/$name.key" 2>/dev/null)" = "$key" ] && [ -e "$home/$name" ] && return
    echo "prepare.sh: making $name in $home" >&2
    rm -rf "${home:?}/$name" "$home/$name.key"
    "$@" >&2
    printf '%s\n' "$key" >"$home/$name.key"
}

base() {
    # shellcheck disable=SC2016 # mmdebstrap fills in $1, the new root.
    mmdebstrap --quiet --variant=essential --include=python3 \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/log/*' \
        "$suite" "$home/base.tar" ${MIRROR:+"$MIRROR"}
}
clients() {
    python3 -m venv --clear "$home/python"
    "$home/python/bin/python" -m pip install --quiet "${python[@]}"
}
sockets() { (cd "$home" && npm install --silent --no-save --no-package-lock --no-audit --no-fund "ws@$ws"); }
jupyterlab() { OUT=$home/jupyterlab.tar deploy/apps/jupyterlab/build.sh; }

once base.tar "$suite" base
once python "${python[*]} $(python3 --version)" clients
once node_modules "$ws" sockets
once jupyterlab.tar "$(cat deploy/apps/jupyterlab/* | sha256sum)" jupyterlab
echo "$home"
