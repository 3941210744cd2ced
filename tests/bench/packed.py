"""Versions of large files: what they take when old ones are packed, what an upload by Xet sends and costs, and how fast a
packed version is read."""

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import bounds
import loads
from machine import CACHE, MIB, Peak, Skip, environment, median, python_with, run
from revisions import KINDS
from servers import REPOSITORY
from versions import Api

HERE = Path(__file__).resolve().parent
PATH = "bench/data"
PACKAGES = ["huggingface_hub==2.4.0", "pyarrow==26.0.1", "numpy"]
PURE = ("CSV", "JSON Lines", "SQLite")
# Packing leaves the newest version whole, so that two of three are packed.
VERSIONS = 3
LARGEST = 256 * MIB

UPLOAD = """
import sys, time
import hf_xet
from huggingface_hub import HfApi
api = HfApi()
begin = time.monotonic()
api.upload_file(path_or_fileobj=sys.argv[1], path_in_repo="large.bin", repo_id=sys.argv[2], repo_type="dataset")
print(time.monotonic() - begin)
"""


def python():
    return python_with(CACHE / "packed", *PACKAGES)


# --- storage ----------------------------------------------------------------------------------------------


def revisions(kind, plan):
    """The file of each revision, in the place of the one before."""
    # 50 revisions of CSV are 2.3 GB, which is enough for a disk; those of others are 1 GB.
    size = plan.table if kind == "CSV" else plan.table // 3
    folder = plan.work / "revisions"
    folder.mkdir()
    try:
        command = [sys.executable if kind in PURE else python(), HERE / "revisions.py", kind, folder / "file", size,
                   plan.packed]
        with subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env=environment()) as child:
            for _ in range(plan.packed):
                if not child.stdout.readline():
                    raise RuntimeError(f"revisions of {kind} ended early")
                yield folder / "file"
                child.stdin.write(b"\n")
                child.stdin.flush()
    finally:
        shutil.rmtree(folder)


def commit(server, api, file):
    """Upload a file and commit it as the next version; its oid and size."""
    size = file.stat().st_size
    with file.open("rb") as content:
        oid = hashlib.file_digest(content, "sha256").hexdigest()
    href, headers = server.action("upload", oid, size)
    loads.curl(server, href, headers, size, upload_file=file)
    api.call("POST", f"datasets/{PATH}/commits", {"message": "The next version", "operations": [
        {"operation": "put", "path": "file", "oid": oid, "size": size}]})
    return oid, size


def storage(kind, server, plan):
    """The share of the bytes of all revisions that is stored when old ones are packed."""
    api = Api(server)
    objects = [commit(server, api, file) for file in revisions(kind, plan)]
    begin = time.monotonic()
    server.command("pack", PATH)
    seconds = time.monotonic() - begin
    loads.check_bytes(server, *objects[0])
    found, = (dataset for owner in json.loads(server.command("usage", "--json"))["owners"]
              for dataset in owner["datasets"] if dataset["path"] == PATH)
    total = sum(size for _, size in objects)
    if not total <= found["bytes"] < 1.01 * total:
        raise RuntimeError(f"{server.name}: {total} bytes of {kind} were committed, but usage says {found}")
    return {f"stored of {kind} %": 100 * found["stored_bytes"] / found["bytes"],
            f"packing of {kind} MiB/s": total / MIB / seconds}


def borg(kind, plan):
    """The same of a backup program that cuts files into chunks too: an archive for each revision."""
    if not shutil.which("borg"):
        raise Skip("borgbackup is not installed")
    folder, total = plan.work / "borg", 0
    env = environment(BORG_BASE_DIR=str(folder / "home"), BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes")
    folder.mkdir()
    run("borg", "init", "-e", "none", folder / "repository", env=env)
    for number, file in enumerate(revisions(kind, plan)):
        total += file.stat().st_size
        run("borg", "create", f"{folder}/repository::{number}", file, env=env)
    stored = sum(file.stat().st_size for file in (folder / "repository").rglob("*") if file.is_file())
    shutil.rmtree(folder)
    return {f"stored of {kind} %": 100 * stored / total}


# --- uploads ----------------------------------------------------------------------------------------------


def received(server):
    """Bytes of objects and xorbs that have come."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(server.root + "/metrics", timeout=60) as reply:
        found = re.search(r"^rutter_lfs_received_bytes_total (\d+)", reply.read().decode(), re.MULTILINE)
    # It is missing until something has come.
    return int(found[1]) if found else 0


def change(file, number):
    """Replaces one percent of a file in the middle."""
    size = file.stat().st_size
    with file.open("r+b") as content:
        content.seek(size // 2)
        content.write(random.Random(number).randbytes(size // 100))


def upload(server, file, home):
    """Seconds of one upload by Hugging Face's client, which sends by Xet, without its start."""
    home.mkdir(exist_ok=True)
    env = environment(HF_ENDPOINT=server.root, HF_TOKEN=server.token, HF_HUB_DISABLE_PROGRESS_BARS="1", HOME=str(home))
    return float(run(python(), "-c", UPLOAD, file, PATH, env=env).split()[-1])


@contextlib.contextmanager
def noting(server, figures):
    """Notes the MiB that the server has received meanwhile."""
    before = received(server)
    yield
    figures["upload of 1 % changed MiB"] = (received(server) - before) / MIB


def uploads(server, plan):
    """The first upload of a random file, and that of the next version, by Xet and by git-lfs."""
    ours, theirs, file, home = {}, {}, plan.work / "large.bin", plan.work / "home"
    python()
    idle = loads.idle(server, plan)["memory idle MiB"]
    shutil.copyfile(loads.random_file(plan.changed, 0)[0], file)
    os.sync()
    cpu = server.cpu()
    # The client sends xorbs of up to 64 MiB, several at the same time: of the full plan's file all four, of the quick one's
    # the only one.
    with Peak(server.roots) as peak:
        seconds = upload(server, file, home)
    ours |= {"Xet upload MiB/s": plan.changed / MIB / seconds,
             "Xet upload CPU s/GiB": (server.cpu() - cpu) * 1024 * MIB / plan.changed,
             "Xet upload peak above idle MiB": peak.own - idle}
    change(file, 1)
    with noting(server, ours):
        ours["upload of 1 % changed s"] = upload(server, file, home)
    with file.open("rb") as content:
        loads.check_bytes(server, hashlib.file_digest(content, "sha256").hexdigest(), plan.changed)
    file.unlink()
    shutil.rmtree(home)

    # Other bytes and another dataset: nothing of this is there already.
    source, git = plan.work / "changed", server.git_environment()
    run("git", "init", "--quiet", "--initial-branch=main", source)
    run("git", "lfs", "install", "--local", cwd=source)
    run("git", "remote", "add", "origin", f"{server.root}/bench/changed.git", cwd=source)
    (source / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    shutil.copyfile(loads.random_file(plan.changed, 1)[0], source / "large.bin")
    for number in range(2):
        if number:
            change(source / "large.bin", 2)
        run("git", "add", "--all", cwd=source)
        run("git", "commit", "--quiet", "--message=The next version", cwd=source)
        with noting(server, theirs):
            begin = time.monotonic()
            run("git", "push", "--quiet", "origin", "main", cwd=source, env=git)
            theirs["upload of 1 % changed s"] = time.monotonic() - begin
    shutil.rmtree(source)
    return {server.name: ours, "git": theirs}


def ingest(plan):
    """What no upload by Xet can beat: the slower of checking on one core (each chunk by its hash, and all of the file by
    SHA-256) and of writing."""
    said = run("cargo", "run", "--quiet", "--release", "-p", "xet", "--example", "speed", cwd=REPOSITORY,
               env=dict(os.environ), timeout=3600)
    decoding = float(re.search(r"random +decode xorb, hash of chunks +(\d+) MiB/s", said)[1])
    checking = 1 / (1 / decoding + 1 / bounds.hashing(plan)["sha256 MiB/s"])
    writing = bounds.writing(plan)["PUT MiB/s"]
    return {"Xet upload MiB/s": min(checking, writing), "Xet checking MiB/s": checking, "Xet writing MiB/s": writing}


# --- downloads --------------------------------------------------------------------------------------------


def downloads(server, plan):
    """GET of a version while it is whole, and when it is packed."""
    api, size, file = Api(server), min(plan.big, LARGEST), plan.work / "large.bin"
    shutil.copyfile(loads.random_file(size, 0)[0], file)
    oid, _ = commit(server, api, file)

    def rate():
        loads.check_bytes(server, oid, size)
        href, headers = server.action("download", oid, size)
        times = [loads.curl(server, href, headers, size)[0] for _ in range(max(3, plan.rounds))]
        return size / MIB / median(times)

    for number in range(1, VERSIONS):
        change(file, number)
        commit(server, api, file)
    file.unlink()
    os.sync()
    whole = rate()
    said = server.command("pack", PATH)
    if f"packed {VERSIONS - 1} objects" not in said:
        raise RuntimeError(f"{server.name}: pack should have packed {VERSIONS - 1} objects, but printed: {said}")
    os.sync()
    packed = rate()
    return {"GET of whole MiB/s": whole, "GET of packed MiB/s": packed, "GET of packed / whole": packed / whole}
