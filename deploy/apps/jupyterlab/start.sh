#!/bin/sh
# Starts JupyterLab in a container with a read-only root: what it writes goes to the volume, or to /tmp.
set -eu
export HOME="${HOME:-/storage}"
export JUPYTER_CONFIG_DIR="$HOME/.jupyter" JUPYTER_DATA_DIR="$HOME/.local/share/jupyter" IPYTHONDIR="$HOME/.ipython"
export JUPYTER_RUNTIME_DIR=/tmp/jupyter MPLCONFIGDIR=/tmp/matplotlib
# Notebooks find `rutter_drive`.
export PYTHONPATH=/opt/jupyterlab PYTHONDONTWRITEBYTECODE=1
cd "$HOME"
# tini reaps what terminals and kernels leave behind.
exec tini -- /opt/venv/bin/jupyter-lab --config=/opt/jupyterlab/jupyter_server_config.py
