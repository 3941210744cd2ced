#!/usr/bin/env bash
# Builds the image of the Dockerfile without a base image: Debian by mmdebstrap, JupyterLab from PyPI, and `docker import`.
#
#   sudo ./build.sh [NAME[:TAG]]     default: jupyterlab:4.6; the engine is that of DOCKER_HOST
#
# It needs root, the packages mmdebstrap and python3-pip, and 2 GB of disk. OUT=FILE writes a tar file instead of importing it,
# and IN=FILE imports such a file; MIRROR is Debian's mirror.
set -euo pipefail
cd "$(dirname "$0")"
name=${1:-jupyterlab:4.6}

import() {
    docker import \
        --change 'ENV HOME=/storage' --change 'ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin' \
        --change 'ENV SHELL=/bin/bash' --change 'ENV LANG=C.UTF-8' --change 'ENV PORT=8888' \
        --change 'EXPOSE 8888' --change 'USER 10001:10001' --change 'CMD ["/opt/jupyterlab/start.sh"]' \
        "$1" "$name"
}
if [ -n "${IN:-}" ]; then
    import "$IN"
    exit
fi

mirror=${MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Outside of the new root, which has no network settings: the wheels for the Python of Debian 13.
python3 -m pip download --quiet --no-deps --only-binary :all: --implementation cp --python-version 3.13.5 \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --platform any \
    --requirement requirements.txt --dest "$work/wheels"

mkdir "$work/app"
cp requirements.txt start.sh jupyter_server_config.py overrides.json rutter_drive.py rutter_jupyter.py "$work/app"
# shellcheck disable=SC2016 # mmdebstrap fills in $1, the new root.
mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv,tini \
    --customize-hook="mkdir -p \"\$1/opt/jupyterlab\" \"\$1/wheels\" && cp -r $work/app/. \"\$1/opt/jupyterlab\" && cp -r $work/wheels/. \"\$1/wheels\"" \
    --customize-hook='chroot "$1" python3 -m venv /opt/venv' \
    --customize-hook='chroot "$1" /opt/venv/bin/pip install --quiet --no-cache-dir --no-deps --no-index --find-links /wheels -r /opt/jupyterlab/requirements.txt' \
    --customize-hook='install -D -m 0644 "$1/opt/jupyterlab/overrides.json" "$1/opt/venv/share/jupyter/lab/settings/overrides.json"' \
    --customize-hook='chroot "$1" useradd --uid 10001 --home-dir /storage --no-create-home --shell /bin/bash owner' \
    --customize-hook='chroot "$1" install -d -o 10001 -g 10001 -m 0700 /storage' \
    --customize-hook='rm -rf "$1/wheels" "$1"/var/cache/apt/* "$1"/var/log/*' \
    trixie "$work/root.tar" "$mirror"

if [ -n "${OUT:-}" ]; then
    mv "$work/root.tar" "$OUT"
    exit
fi
import "$work/root.tar"
