"""Versions over HTTP, one request after the other, beside the git command line on a clone of the same dataset and the
filesystem backend of metastore-lib with as many revisions and tags."""

import base64
import http.client
import itertools
import json
import shutil
import time
from urllib.parse import quote, urlsplit

import git_load
from machine import CACHE, median, python_with, run

METASTORE = ["metastore-lib==0.2.0", "setuptools<81"]
PATH, TAGS, VERSIONS, FILES = "bench/versions", 1000, 9, 256
# The fields of a commit and of a tag that the API gives.
COMMIT = "--format=%H%x00%aI%x00%an%x00%ae%x00%B"
TAG = "--format=%(refname:short)%00%(objectname)%00%(*objectname)%00%(taggername)%00%(taggerdate:iso-strict)%00%(contents)"


class Api:
    """A client with one connection, as a program has it."""

    def __init__(self, server):
        self.address, self.authorization = urlsplit(server.root).netloc, f"Bearer {server.token}"
        self.connection = http.client.HTTPConnection(self.address, timeout=120)
        self.used = time.monotonic()

    def call(self, method, path, body=None):
        said = self.text(method, path, body)
        return json.loads(said) if said else None

    def text(self, method, path, body=None):
        headers = {"Authorization": self.authorization}
        # Servers close connections that are idle; a new one is opened then.
        if time.monotonic() - self.used > 10:
            self.connection.close()
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, f"/api/v1/{path}", None if body is None else json.dumps(body), headers)
        reply = self.connection.getresponse()
        said = reply.read()
        self.used = time.monotonic()
        if reply.status >= 300:
            raise RuntimeError(f"{method} {path} was answered with {reply.status}: {said[:300]!r}")
        return said


def milliseconds(times, function, check=lambda found: None):
    """How long each call took; it gets the number of the call. The first two only warm up. What is found is checked
    after that: reading it is the client's own work, with git as with us."""
    took = []
    for number in range(times + 2):
        begin = time.monotonic()
        found = function(number)
        took.append((time.monotonic() - begin) * 1000)
        check(found)
    return sorted(took[2:])


def at(share, took):
    """The time within which this share of the calls was done."""
    return took[min(len(took) - 1, int(len(took) * share))]


def package(version):
    """A description with fifty tables; another version differs in some of them."""
    field = lambda table, column: {"name": f"column_{column}", "type": "string" if (table + column + version) % 9 else "any"}
    return {"name": "versions", "title": f"Stations, version {version}", "version": str(version),
            "resources": [{"name": f"table-{table}", "path": f"tables/{table}.csv", "format": "csv",
                           "schema": {"fields": [field(table, column) for column in range(20)]}}
                          for table in range(50)]}


def publish(server, plan, api):
    """The dataset, with some descriptions and all the tags; then a clone of it, packed as git likes it best."""
    url, git, clone = f"{server.root}/{PATH}.git", server.git_environment(), plan.work / "versions"
    run("git", "-c", "http.postBuffer=1g", "push", "--quiet", url, "main", cwd=git_load.source_repository(plan), env=git)
    for version in range(VERSIONS):
        api.call("PUT", f"datasets/{PATH}", {"package": package(version), "message": f"Version {version}"})
    run("git", "clone", "--quiet", url, clone, env=git)
    revisions = run("git", "rev-list", "main", cwd=clone).split()
    tags = (f"tag v{number:04}\nfrom {revisions[number % len(revisions)]}\n"
            f"tagger Bench <bench@example.org> {1_780_000_000 + number} +0000\ndata 10\nA release.\n"
            for number in range(TAGS))
    run("git", "fast-import", "--quiet", cwd=clone, input="".join(tags).encode())
    run("git", "push", "--quiet", "--tags", url, cwd=clone, env=git)
    run("git", "gc", "--quiet", cwd=clone)
    return clone


def folders(clone, plan):
    """Folders with files in them: the deepest ones."""
    return [path for path in run("git", "ls-tree", "-rd", "--name-only", "main", cwd=clone).split() if "/" in path]


def read(api, clone, plan):
    """Pages: (name, what we are asked for, how the answer is to look, git's commands). Each asks elsewhere each time."""
    places = folders(clone, plan)
    revisions = run("git", "rev-list", "main", cwd=clone).split()
    git = lambda *command: run("git", *command, cwd=clone)

    def some(items, number):
        return items[number * 37 % len(items)]

    # More than are asked for: what was compared once is remembered.
    pairs = list(itertools.permutations(revisions[:VERSIONS], 2))
    pair = lambda number: pairs[number % len(pairs)]

    def git_tree(number):
        folder = some(places, number) + "/"
        git("ls-tree", "-l", "main", folder)
        git("log", "--name-only", COMMIT, "main", "--", folder)

    def git_diff(number):
        git("diff", "--raw", "-M", *pair(number))
        for revision in pair(number):
            git("show", f"{revision}:datapackage.json")

    return [
        ("revisions page ms",
         lambda number: f"revisions?revision={some(revisions[:len(revisions) // 2], number)}",
         lambda found: len(found["items"]) >= min(100, len(revisions) // 2),
         lambda number: git("log", "-100", COMMIT, some(revisions[:len(revisions) // 2], number))),
        ("tree page ms",
         lambda number: f"tree/main?commits=true&path={quote(some(places, number))}",
         lambda found: found["items"] and all("last_revision" in entry for entry in found["items"]),
         git_tree),
        ("typed diff ms",
         lambda number: "diff?from={}&to={}".format(*pair(number)),
         lambda found: found["package"],
         git_diff),
        ("typed diff again ms",
         lambda number: "diff?from={}&to={}".format(*pair(number)),
         lambda found: found["package"],
         git_diff),
        (f"{TAGS} tags ms",
         lambda number: f"tags?limit={TAGS}",
         lambda found: len(found["items"]) == TAGS,
         lambda number: git("for-each-ref", "--sort=creatordate", TAG, "refs/tags")),
    ]


def contents(number, count):
    """New files, never the same twice."""
    return {f"new/{number:05}/{file:03}.csv": f"id,value\n{number},{file}\n" for file in range(count)}


def commit(api, number, count):
    api.call("POST", f"datasets/{PATH}/commits", {"message": f"Commit {number}", "operations": [
        {"operation": "put", "path": path, "content": content} for path, content in contents(number, count).items()]})


def commit_with_git(clone, number, count):
    for path, content in contents(number, count).items():
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        (clone / path).write_text(content)
    run("git", "add", "--", f"new/{number:05}", cwd=clone)
    run("git", "commit", "--quiet", f"--message=Commit {number}", cwd=clone)


def compare(server, plan):
    """Milliseconds of each call by server."""
    api = Api(server)
    clone = publish(server, plan, api)
    ours, theirs, times = {}, {}, 20 * plan.rounds
    for name, place, is_whole, commands in read(api, clone, plan):
        def check(found):
            if not is_whole(json.loads(found)):
                raise RuntimeError(f"{name}: something is missing in {found[:300]}")

        ours[name] = median(milliseconds(times, lambda number: api.text("GET", f"datasets/{PATH}/{place(number)}"), check))
        theirs[name] = median(milliseconds(times // 4, commands))
    for name, count, often in (("HTTP commit", 1, 100 * plan.rounds), (f"HTTP commit of {FILES}", FILES, 5 * plan.rounds)):
        base = 10_000 * count
        for found, took in (
                (ours, milliseconds(often, lambda number: commit(api, base + number, count))),
                (theirs, milliseconds(5 * plan.rounds, lambda number: commit_with_git(clone, base + number, count)))):
            found |= {f"{name} p50 ms": at(0.5, took), f"{name} p99 ms": at(0.99, took)}
    shutil.rmtree(clone)
    return {"rutter": ours, "git": theirs}


def metastore(plan):
    """The same of metastore-lib, which runs in the process that asks: it has packages, but no files."""
    python = python_with(CACHE / "metastore", *METASTORE)
    folder = plan.work / "metastore"
    folder.mkdir()
    output = run(python, "-W", "ignore", "-c", f"""
import json, sys, time
from metastore.backend.filesystem import FilesystemStorage
from metastore.types import Author
packages, who = json.loads(sys.stdin.read()), Author("Bench", "bench@example.org")
store = FilesystemStorage({str(folder)!r})
store.create({PATH!r}, packages[0], who)
def times(count, function):
    took = []
    for number in range(count):
        begin = time.monotonic()
        function(number)
        took.append((time.monotonic() - begin) * 1000)
    return sorted(took)
update = lambda number: store.update({PATH!r}, packages[number % 2], who, message="Update")
times({plan.revisions}, update)
for number in range({TAGS}):
    store.tag_create({PATH!r}, store.revision_list({PATH!r})[0].revision, "v%d" % number, who, "A release.")
commits = times(50, update)
print(json.dumps({{
    "HTTP commit p50 ms": commits[25], "HTTP commit p99 ms": commits[49],
    "revisions page ms": times(20, lambda _: store.revision_list({PATH!r})[:100])[10],
    "{TAGS} tags ms": times(20, lambda _: store.tag_list({PATH!r}))[10],
}}))""", input=json.dumps([package(1), package(2)]).encode())
    shutil.rmtree(folder)
    return json.loads(output)
