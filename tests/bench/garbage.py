"""`rutter gc` where there is much to look at: half of the objects belong to revisions, the other half to a branch
that was deleted."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import time
from contextlib import closing

from machine import Peak, run
from servers import Rutter

# Pointers in one commit. Each commit replaces all of its branch, so that nearly all of them stand in history only.
FILES = 1000
# Longer than the grace period.
WHILE = 8 * 24 * 3600 * 1000
# When something happened that waits for it.
TIMES = [("holding", "unused_since", "released_at"), ("object", "orphaned_at"), ("git_ref_log", "at"),
         ("git_pack", "added_at", "retired_at")]


class Hoard(Rutter):
    """Does nothing in the background: the daily collection is what is measured, and the slow check would find files without
    bytes."""

    settings = {"RUTTER_GC__ENABLED": "false", "RUTTER_SCRUB__INTERVAL_DAYS": "0"}


def pointed(number):
    """The oid and the size of an object."""
    return hashlib.sha256(b"%d" % number).hexdigest(), 1 + number % 100_000


def history(branch, numbers):
    """A `git fast-import` stream with a pointer to each of these objects."""
    for commit, first in enumerate(numbers[::FILES]):
        yield f"commit refs/heads/{branch}\ncommitter Bench <bench@example.org> {1_750_000_000 + commit} +0000\ndata 1\nx\n"
        for place, number in enumerate(numbers[commit * FILES:][:FILES]):
            oid, size = pointed(number)
            pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"
            yield f"M 100644 inline part-{place % 20:02}/{place:04}.bin\ndata {len(pointer)}\n{pointer}\n"


def hold(server, path, count):
    """Objects as their uploads leave them, but without a million requests: a row for what the store has, one for what
    the dataset holds, and a file, which has the size but no bytes, since no client reads it here."""
    then, total, root = int(time.time()) - WHILE // 1000, 0, server.data / "store" / "objects"
    for first in range(256):
        for second in range(256):
            (root / f"{first:02x}" / f"{second:02x}").mkdir(parents=True, exist_ok=True)
    for oid, size in map(pointed, range(count)):
        file = os.open(f"{root}/{oid[:2]}/{oid[2:4]}/{oid}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.truncate(file, size)
        os.utime(file, (then, then))
        os.close(file)
        total += size
    with closing(database(server)) as tables, tables:
        tables.execute("PRAGMA cache_size = -1000000")
        repo, = tables.execute("SELECT id FROM dataset WHERE name = ?", [path.split("/")[1]]).fetchone()
        tables.executemany("INSERT INTO object (store, oid, size, state, place, created_at)"
                           " VALUES ('default', ?, ?, 'ready', '', ?)",
                           ((*pointed(number), then * 1000) for number in range(count)))
        tables.executemany("INSERT INTO holding (repo_id, oid, store, created_at) VALUES (?, ?, 'default', ?)",
                           ((repo, pointed(number)[0], then * 1000) for number in range(count)))
        tables.execute("INSERT INTO usage (repo_id, bytes, objects) VALUES (?, ?, ?)"
                       " ON CONFLICT (repo_id) DO UPDATE SET bytes = excluded.bytes, objects = excluded.objects",
                       [repo, total, count])


def publish(server, path, plan, live, dead):
    """Pushes both halves with git, and deletes the branch of one of them."""
    source, git, url = plan.work / "garbage.git", server.git_environment(), f"{server.root}/{path}.git"
    run("git", "init", "--quiet", "--bare", "--initial-branch=main", source)
    for branch, numbers in (("main", live), ("gone", dead)):
        run("git", "fast-import", "--quiet", cwd=source, input="".join(history(branch, numbers)).encode())
        run("git", "push", "--quiet", url, branch, cwd=source, env=git)
    run("git", "push", "--quiet", "--delete", url, "gone", cwd=source, env=git)
    shutil.rmtree(source)


def wait(server):
    """Lets the grace period pass: everything happened earlier than it did."""
    with closing(database(server)) as tables:
        with tables:
            for table, *moments in TIMES:
                for moment in moments:
                    tables.execute(f"UPDATE {table} SET {moment} = {moment} - ? WHERE {moment} > 0", [WHILE])
        # This is not the collection's to write.
        tables.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()


def database(server):
    return sqlite3.connect(server.data / "rutter.db", timeout=60)


def collect(server, plan):
    """The three runs in which garbage goes: seconds for a million objects, and MiB."""
    path, count = "bench/garbage", plan.objects
    live, dead = range(0, count, 2), range(1, count, 2)
    server.command("repo", "create", path)
    hold(server, path, count)
    publish(server, path, plan, live, dead)
    figures, own, all_of_it = {}, 0, 0
    for step, words in (("mark", "unused objects"), ("release", "objects removed"), ("delete", "objects deleted")):
        wait(server)
        begin = time.monotonic()
        with server.begin("gc") as child, Peak([child.pid], 0.1) as peak:
            said, _ = child.communicate()
        figures[f"gc {step} s/million objects"] = (time.monotonic() - begin) * 1_000_000 / count
        own, all_of_it = max(own, peak.own), max(all_of_it, peak.mib)
        if child.returncode or not re.search(rf"^ *{len(dead)} {words}", said, re.MULTILINE):
            raise RuntimeError(f"{server.name}: gc {step} should print '{len(dead)} {words}', but printed: {said}")
    # Rows and files are compared in both directions: no live one is gone, and no other one left.
    found = json.loads(server.command("fsck", "--quick", "--json"))
    if not found["clean"] or found["notes"] or found["checked"]["objects"] != len(live):
        raise RuntimeError(f"{server.name}: after gc, fsck says {json.dumps(found)[:600]}")
    return figures | {"gc peak MiB": own, "gc peak with git MiB": all_of_it}
