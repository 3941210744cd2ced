"""What installed apps cost that do not run: memory for very many of them, and the CPU time of comparing them with the
containers. The rows are written while the server is stopped: what an install is, is all in them."""

import http.client
import json
import os
import sqlite3
import time
import uuid
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from machine import memory

INSTALLS, COMPARED, RUNS = 10_000, 1_000, 10
# The most that one owner can have.
OF_ONE = 50
IMAGE = "registry.example.org/bench/notes@sha256:" + "0" * 64
# How long a server has done nothing before its memory is read.
SETTLED_SECONDS = 3


def add(database, first, count):
    """Containers that are stopped: organisations with fifty each, each with its volume."""
    manifest = json.dumps({"name": "notes", "title": "Notes", "summary": "Notes on data, as pages", "image": IMAGE,
                           "widest": "public", "volume": "/data", "opens": [".md", ".csv", "text/markdown"],
                           "redirects": ["/oauth/callback"], "environment": {"NOTES_TITLE": "Notes"}})
    now, digest = int(time.time() * 1000), "sha256:" + "1" * 64
    with closing(sqlite3.connect(database)) as tables, tables:
        tables.execute("PRAGMA foreign_keys = ON")
        for number in range(first, first + count):
            if number % OF_ONE == 0:
                owner = str(uuid.uuid4())
                tables.execute("INSERT INTO owner (id, name, kind, created_at) VALUES (?, ?, 'organisation', ?)",
                               (owner, f"owner-{number // OF_ONE}", now))
            install, volume, name = str(uuid.uuid4()), str(uuid.uuid4()), f"notes-{number % OF_ONE}"
            tables.execute("INSERT INTO app_volume (id, owner_id, app, install, name, created_at) VALUES"
                           " (?, ?, 'notes', ?, ?, ?)", (volume, owner, name, f"rutter-bench-{volume}", now))
            tables.execute("INSERT INTO app_install (id, owner_id, app, name, label, visibility, manifest, image,"
                           " image_id, volume_id, wanted, state, reason, generation, run, keep_running, attempts, last_used_at,"
                           " last_log, created_at) VALUES (?, ?, 'notes', ?, ?, 'public', ?, ?, ?, ?, 'stopped',"
                           " 'stopped', '', 3, 1, FALSE, 0, ?, '', ?)",
                           (install, owner, name, host(number).split(".")[0], manifest, IMAGE, digest, volume, now,
                            now))


def host(number):
    return f"notes-{number % OF_ONE}--owner-{number // OF_ONE}.apps.localhost"


def find(server, numbers):
    """Asks for the state of apps on their hosts, which does not start them."""
    with closing(http.client.HTTPConnection(urlsplit(server.root).netloc, timeout=60)) as connection:
        for number in numbers:
            connection.request("GET", "/_rutter/state", headers={"Host": host(number)})
            reply = connection.getresponse()
            said = reply.read()
            if reply.status != 200 or json.loads(said)["state"] != "stopped":
                raise RuntimeError(f"{host(number)} was answered with {reply.status}: {said[:300]!r}")


def compared(server):
    """True if the job that compares apps with containers has run since it was due, and succeeded."""
    with closing(sqlite3.connect(server.data / "rutter.db", timeout=30)) as tables:
        job = tables.execute("SELECT run_at, leased_until, last_error FROM job WHERE kind = 'apps'").fetchone()
    if job and job[2]:
        raise RuntimeError(f"comparing apps with containers failed: {job[2]}")
    return bool(job) and job[1] is None and job[0] > time.time() * 1000


def wait_until_compared(server):
    end = time.monotonic() + 60
    while not compared(server):
        if time.monotonic() > end:
            raise RuntimeError("apps were not compared with containers within a minute")
        time.sleep(0.1)


def idle_mib(server):
    """The memory of a server that has just been started."""
    wait_until_compared(server)
    time.sleep(SETTLED_SECONDS)
    return memory(server.roots)


def comparison(server):
    """CPU milliseconds of a comparison: of several, less what the same time takes without any."""
    database = server.data / "rutter.db"
    wait_until_compared(server)
    cpu, begin = server.cpu(), time.monotonic()
    for _ in range(RUNS):
        with closing(sqlite3.connect(database, timeout=30)) as tables, tables:
            tables.execute("UPDATE job SET run_at = 0 WHERE kind = 'apps'")
        wait_until_compared(server)
    busy, took = server.cpu() - cpu, time.monotonic() - begin
    cpu = server.cpu()
    time.sleep(took)
    return max(busy - (server.cpu() - cpu), 0.0) * 1000 / RUNS


def docker_socket():
    """Docker Engine on this machine, if there is one that this user may ask."""
    path = Path(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://"))
    return path if path.is_socket() and os.access(path, os.R_OK | os.W_OK) else None


def measure(server, plan):
    """The figures of stopped apps."""
    database, figures = server.data / "rutter.db", {}
    server.process.stop()
    server.start_again()
    before = idle_mib(server)
    server.process.stop()
    add(database, 0, COMPARED)
    server.start_again()
    name = f"reconcile of {COMPARED:,} apps"
    figures[f"{name} CPU ms"] = comparison(server)
    server.process.stop()
    if engine := docker_socket():
        # None of them has a container, and none should have: the engine is asked for a list once.
        server.settings = server.settings | {
            "RUTTER_APPS__BACKEND": "docker", "RUTTER_APPS__DOCKER__SOCKET": str(engine)}
        server.start_again()
        figures[f"{name}, with Docker, CPU ms"] = comparison(server)
        server.process.stop()
        server.settings = type(server).settings
    add(database, COMPARED, INSTALLS - COMPARED)
    server.start_again()
    after = idle_mib(server)
    find(server, [INSTALLS * 3 // 4])
    figures[f"{INSTALLS:,} stopped apps MiB"] = max(after - before, 0.0)
    find(server, range(INSTALLS))
    figures[f"{INSTALLS:,} stopped apps, each found, MiB"] = max(memory(server.roots) - before, 0.0)
    return figures
