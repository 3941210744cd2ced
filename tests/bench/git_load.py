"""Git itself: push and clone of a repository with many files and revisions."""

import os
import random
import shutil
import time

from machine import median, run


def history(files, revisions):
    """A `git fast-import` stream: each revision adds its share of the files and edits a few older ones."""
    source, paths = random.Random("history"), []
    words = "station plot sample north south upper lower control blend batch winter summer".split()

    def row(number):
        return f"{number},{source.choice(words)},{source.random():.6f},{source.randrange(10_000)}\n"

    def text():
        return "id,name,value,count\n" + "".join(row(n) for n in range(source.randint(12, 40)))

    yield "feature done\n"
    for revision in range(revisions):
        changed = [source.choice(paths) for _ in range(min(4, len(paths)))]
        while len(paths) < files * (revision + 1) // revisions:
            number = len(paths)
            paths.append(f"part-{number // 500:03}/{words[number % 12]}/{number:05}.csv")
            changed.append(paths[-1])
        message = f"Revision {revision + 1}\n"
        yield f"commit refs/heads/main\ncommitter Bench <bench@example.org> {1_750_000_000 + 3600 * revision} +0000\n"
        yield f"data {len(message)}\n{message}"
        for path in dict.fromkeys(changed):
            content = text()
            yield f"M 100644 inline {path}\ndata {len(content)}\n{content}\n"
        yield "\n"
    yield "done\n"


def source_repository(plan):
    """The bare repository that is pushed to the servers; made once."""
    root = plan.work / "history.git"
    if not root.exists():
        run("git", "init", "--quiet", "--bare", "--initial-branch=main", root)
        run("git", "fast-import", "--quiet", "--force", cwd=root,
            input="".join(history(plan.files, plan.revisions)).encode())
        run("git", "repack", "-a", "-d", "-q", cwd=root)
    return root


def push_and_clone(server, plan, url, git):
    """Seconds and server CPU seconds of one push and of bare clones; the first clone only warms up."""
    source, clone = source_repository(plan), plan.work / "clone.git"
    os.sync()
    begin, cpu = time.monotonic(), server.cpu()
    run("git", "-c", "http.postBuffer=1g", "push", "--quiet", url, "main", cwd=source, env=git)
    figures = {"git push s": time.monotonic() - begin, "git push CPU s": server.cpu() - cpu}
    timings = []
    for _ in range(plan.clones + 1):
        shutil.rmtree(clone, ignore_errors=True)
        os.sync()
        begin, cpu = time.monotonic(), server.cpu()
        run("git", "clone", "--quiet", "--bare", url, clone, env=git)
        timings.append((time.monotonic() - begin, server.cpu() - cpu))
    if run("git", "rev-parse", "main", cwd=clone) != run("git", "rev-parse", "main", cwd=source):
        raise RuntimeError(f"{server.name}: the clone has another head")
    shutil.rmtree(clone)
    figures["git clone s"] = median(t for t, _ in timings[1:])
    figures["git clone CPU s"] = median(c for _, c in timings[1:])
    return figures


def clone_from_rutter(server, plan):
    return push_and_clone(server, plan, f"{server.root}/bench/history.git", server.git_environment())


def clone_from_backend(server, plan):
    bare = server.repositories / "history.git"
    run("git", "init", "--quiet", "--bare", "--initial-branch=main", bare)
    for key, value in (("http.receivepack", "true"), ("receive.unpackLimit", "1"), ("gc.auto", "0")):
        run("git", "config", key, value, cwd=bare)
    return push_and_clone(server, plan, f"{server.root}/git/history.git", server.git_environment())
