"""The pages in Debian's Chromium, on the same machine as the server: hashing, many small files, a dataset of many files, and
what a very large file takes of the page's memory."""

import json
import os
import random
import shutil
import subprocess
import threading
from pathlib import Path

from loads import random_file
from machine import MIB, Skip, cpu_seconds, environment, median, processes, run
from servers import REPOSITORY, find

SDK = REPOSITORY / "ui" / "sdk"
# What is uploaded, and what lies in the dataset that is looked at: the goals are for exactly these numbers.
SMALL, ENTRIES, HUGE = 1000, 10_000, 10_000_000_000
# Short turns find the quiet moments of a machine that others use too.
TURNS = 300


def prepare():
    """The pages, for the build of the server that follows, and the upload library."""
    for command in ("node", "npm"):
        if not find(command):
            raise Skip(f"{command} is not installed")
    if not Path(os.environ.get("CHROMIUM", "/usr/bin/chromium")).exists():
        raise Skip("chromium is not installed")
    try:
        run(REPOSITORY / "scripts" / "ui.sh", env=dict(os.environ))
        if not (SDK / "node_modules" / "hash-wasm").exists():
            run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=SDK, env=dict(os.environ))
        run("npm", "run", "--silent", "build", cwd=SDK, env=dict(os.environ))
    except RuntimeError as error:
        raise Skip(str(error)[-300:]) from None


class Browser:
    """A Chromium with a signed-in user, driven by browser.mjs."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.child = subprocess.Popen(["node", Path(__file__).with_suffix(".mjs"), self.server.root], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
        self.ask("signIn", name="bench", password=self.server.password)
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait(30)

    def ask(self, order, **about):
        self.child.stdin.write(json.dumps({"order": order, **about}, default=str) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError("the browser is gone")
        answer = json.loads(line)
        if "failed" in answer:
            raise RuntimeError(f"{order}: {answer['failed'][:600]}")
        return answer["found"]

    def cpu(self):
        """Processor seconds of all processes of the browser, without those of its driver."""
        return cpu_seconds([self.child.pid]) - own_seconds(self.child.pid)

    def renderer(self):
        """MB that the largest process of a page has for itself: memory, not pages of files. Workers are threads of it."""
        return max((resident(pid) for pid in processes([self.child.pid]) if is_renderer(pid)), default=0.0)


def own_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def is_renderer(pid):
    try:
        return b"--type=renderer" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def resident(pid):
    """Anonymous memory, and what it shares with the other processes of the browser, in MB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "RssShmem:"))) * 1024 / 1e6


class Highest:
    """The highest memory of the page while the block runs."""

    def __init__(self, browser):
        self.browser, self.mb, self.over = browser, 0.0, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()
        return self

    def sample(self):
        while not self.over.wait(0.1):
            self.mb = max(self.mb, self.browser.renderer())

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def seed(server, plan, name, entries):
    """A dataset of small texts, all in one folder."""
    folder = plan.work / name
    run("git", "init", "--quiet", "--initial-branch=main", folder)
    stream = ["commit refs/heads/main\ncommitter Bench <bench@example.org> 1780000000 +0000\ndata 5\nStart\n"]
    for number in range(entries):
        text = f"station,value\n{number},{number * 7919 % 1000}\n"
        stream.append(f"M 100644 inline station-{number:05}.csv\ndata {len(text)}\n{text}")
    run("git", "fast-import", "--quiet", cwd=folder, input="".join(stream).encode())
    run("git", "push", "--quiet", f"{server.root}/bench/{name}.git", "main", cwd=folder, env=server.git_environment())
    shutil.rmtree(folder)
    return f"bench/{name}"


def files_of(server, plan, dataset):
    """How many files its branch has."""
    folder = plan.work / "check.git"
    run("git", "clone", "--quiet", "--bare", f"{server.root}/{dataset}.git", folder, env=server.git_environment())
    found = len(run("git", "ls-tree", "-r", "--name-only", "main", cwd=folder).splitlines())
    shutil.rmtree(folder)
    return found


def small_files(plan, number):
    """Incompressible files of 16 KiB: Git LFS keeps them."""
    folder = plan.work / f"browser-{number}"
    source = random.Random(f"browser/{number}")
    paths = [folder / f"part-{index:04}.bin" for index in range(SMALL)]
    folder.mkdir()
    for path in paths:
        path.write_bytes(source.randbytes(16 * 1024))
    return paths


def hashing(server, plan):
    """Figures by server: ours, and those of what else a page can hash with."""
    dataset = seed(server, plan, "hashing", 1)
    # Large enough that the start of a worker does not count.
    size = max(plan.big, 256 * MIB)
    one, many = [random_file(size, 0)[0]], [random_file(size // 64, number)[0] for number in range(64)]
    with Browser(server) as browser:
        found = browser.ask("compute", rounds=TURNS)
        figures = {name: {"browser sha256 MB/s": rate} for name, rate in found.items()}
        rates = lambda paths: max(browser.ask("hash", dataset=dataset, paths=paths) for _ in range(3))
        figures["rutter"] |= {"browser hash of one file MB/s": rates(one), "browser hash of 64 files MB/s": rates(many)}
    return figures


def uploads(server, plan):
    """Files a second, each round to a dataset of its own, from the click to the revision; and what each file takes."""
    rates, of_server, of_browser = [], [], []
    for number in range(plan.rounds):
        dataset, paths = seed(server, plan, f"uploads-{number}", 1), small_files(plan, number)
        with Browser(server) as browser:
            browser.ask("choose", dataset=dataset, paths=paths)
            before = server.cpu(), browser.cpu()
            rates.append(SMALL / browser.ask("upload", minutes=10))
            of_server.append((server.cpu() - before[0]) * 1000 / SMALL)
            of_browser.append((browser.cpu() - before[1]) * 1000 / SMALL)
        # With what was there, and the attributes that say what Git LFS keeps.
        if (there := files_of(server, plan, dataset)) != SMALL + 2:
            raise RuntimeError(f"after an upload of {SMALL} files {dataset} has {there}")
        shutil.rmtree(paths[0].parent)
    return {"browser upload of 1,000 files/s": max(rates), "browser upload server CPU ms/file": median(of_server),
            "browser upload browser CPU ms/file": median(of_browser)}


def viewing(server, plan):
    """Milliseconds until a user can use the page of a dataset with all its files in one folder."""
    dataset = seed(server, plan, "entries", ENTRIES)
    with Browser(server) as browser:
        row = "station-00042.csv"
        first, *took = [browser.ask("view", dataset=dataset, row=row) for _ in range(1 + max(5, 3 * plan.rounds))]
        folder = [browser.ask("scroll", dataset=dataset, row="station-00000.csv") for _ in range(3)]
    if empty := sum(one["empty"] for one in folder):
        print(f"  while a folder was scrolled, {empty} frames had no row in their middle")
    return {"browser page of 10,000 files ms": median(took), "browser page of 10,000 files at first ms": first,
            "browser scroll of 10,000 files frames/s": max(one["rate"] for one in folder),
            "browser sort of 10,000 files ms": min(one["sort"] for one in folder),
            "browser select all of 10,000 files ms": min(one["select"] for one in folder)}


def huge(server, plan):
    """The most memory of the page while it hashes and sends a very large file, which on our side is nearly all hole."""
    if plan.rounds == 1:
        raise Skip("the file of 10 GB is for the full run")
    dataset, path = seed(server, plan, "huge", 1), plan.work / "huge.bin"
    with path.open("wb") as file:
        file.write(b"the beginning of a large file")
        file.truncate(HUGE)
    with Browser(server) as browser:
        browser.ask("blank")
        empty = browser.renderer()
        browser.ask("choose", dataset=dataset, paths=[path])
        with Highest(browser) as highest:
            took = browser.ask("upload", minutes=30)
    path.unlink()
    return {"browser page with 10 GB MB": highest.mb, "browser page with nothing MB": empty, "browser upload of 10 GB s": took}
