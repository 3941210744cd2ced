"""rutter on a bucket of Garage and a PostgreSQL, both on this machine: alone, and three of it."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import git_load
import loads
from machine import MIB, Skip, median, run
from servers import REPOSITORY, Rutter

REPLICAS = 3


class Borrowed:
    """What one of our scripts brings up: its address and its process. The script ends with its input."""

    def __init__(self, script, variable):
        report = f'printf "%s\\n" "${variable}_PID" "${variable}"; exec cat >/dev/null'
        self.script = subprocess.Popen([REPOSITORY / "scripts" / script, "sh", "-c", report], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        pid, self.url = (self.script.stdout.readline().strip() for _ in range(2))
        if not pid:
            raise Skip(f"{script} started nothing")
        self.pid = int(pid)

    def signal(self, which):
        os.kill(self.pid, which)

    def stop(self):
        self.script.stdin.close()
        self.script.wait(30)


class RutterOnS3(Rutter):
    """The first replica takes the loads that are for one server."""

    prefix = "S3 "

    def start(self, folder):
        self.folder, self.more = folder, []
        with contextlib.ExitStack() as undo:
            self.garage = Borrowed("garage.sh", "RUTTER_TEST_S3")
            undo.callback(self.garage.stop)
            self.postgres = Borrowed("postgres.sh", "RUTTER_TEST_POSTGRES")
            undo.callback(self.postgres.stop)
            bucket = urlsplit(self.garage.url)
            self.settings = self.settings | {
                "RUTTER_DATABASE_URL": self.postgres.url, "RUTTER_SECRET": os.urandom(32).hex(),
                "RUTTER_STORE_URL": f"s3:/{bucket.path}/bench",
                "RUTTER_STORES__DEFAULT__ENDPOINT": self.endpoint(bucket.hostname, bucket.port),
                "RUTTER_STORES__DEFAULT__REGION": bucket.query.removeprefix("region="),
                "AWS_ACCESS_KEY_ID": bucket.username, "AWS_SECRET_ACCESS_KEY": bucket.password,
            }
            super().start(folder)
            self.undo = undo.pop_all()

    def endpoint(self, host, port):
        """Where the server finds the bucket."""
        return f"http://{host}:{port}"

    def replicate(self):
        """Two more of it, with nothing in common but database, bucket and secret."""
        self.more = [self.serve(self.folder / f"replica-{number}", self.folder / "log") for number in range(1, REPLICAS)]
        return [self.root, *(root for root, _ in self.more)]

    def stop(self):
        for _, process in self.more:
            process.stop()
        super().stop()
        self.undo.close()

    def cpu(self):
        """In nanoseconds' steps, for little is measured: what the scheduler has counted for each thread."""
        return sum(int(file.read_text().split()[0]) for file in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")) / 1e9


def uploads(server, plan):
    """CPU milliseconds of the server for a GiB that goes past it, in one object and in objects of 16 MiB."""
    figures, small = {}, 16 * MIB
    # What it costs belongs to the object: with one that is smaller than a GiB, this figure says nothing.
    for name, size, count in (("big", max(plan.big, 1024 * MIB), 1), ("16 MiB", small, plan.big // small)):
        costs = []
        for turn in range(plan.rounds):
            spent = 0.0
            for number in range(count):
                path, oid = loads.random_file(size, 1000 + turn * count + number)
                begin = server.cpu()
                actions = server.actions("upload", oid, size)
                loads.curl(server, *actions["upload"], size, upload_file=path)
                server.verify(actions, oid, size)
                spent += server.cpu() - begin
            costs.append(spent * 1000 * 1024 * MIB / (size * count))
            loads.check_bytes(server, oid, size)
        figures[f"S3 {name} PUT CPU ms/GiB"] = median(costs)
    return figures


def batches(server, plan):
    """As of the other servers; then once while the bucket does not answer, so that it cannot have been asked."""
    figures = {f"S3 {name}": value for name, value in loads.batch(server, plan).items()}
    server.garage.signal(signal.SIGSTOP)
    try:
        for verb, kind in (("upload", "missing"), ("download", "held")):
            server.batch(verb, loads.small_objects(kind)[0])
    finally:
        server.garage.signal(signal.SIGCONT)
    return figures


def scaling(server, plan):
    """Batches and clones per second of one server and of three, which share the processors with their clients."""
    figures, roots, git = {}, server.replicate(), server.git_environment()
    missing, _ = loads.small_objects("missing")
    run("git", "-c", "http.postBuffer=1g", "push", "--quiet", f"{server.root}/bench/history.git", "main",
        cwd=git_load.source_repository(plan), env=git)

    def ask(number):
        return loads.wrk(server, "upload", missing, plan.wrk_seconds, plan, f"{roots[number]}/bench/data.git/info/lfs")[1]

    def clone(number, times=plan.clones):
        target = plan.work / f"clone-{number}.git"
        for _ in range(times):
            shutil.rmtree(target, ignore_errors=True)
            run("git", "clone", "--quiet", "--bare", f"{roots[number]}/bench/history.git", target, env=git)
        shutil.rmtree(target)

    for count in (1, REPLICAS):
        figures[f"S3 batch 100 upload req/s by {count}"] = sum(together(count, ask)[0])
        together(count, lambda number: clone(number, 1))
        figures[f"S3 clones/s by {count}"] = count * plan.clones / together(count, clone)[1]
    return figures


def together(count, work):
    """The same work several times at once: the results, and the seconds until the last one ends."""
    begin = time.monotonic()
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count))), time.monotonic() - begin


def cold(server, plan):
    """The first clone from a server with an empty disk, and how much longer it takes than the second: in that time the
    packs were downloaded and the cache was made."""
    git, target, times = server.git_environment(), plan.work / "cold.git", []
    for turn in range(plan.rounds):
        root, process = server.serve(server.folder / f"cold-{turn}", server.folder / "log")
        try:
            for _ in range(2):
                shutil.rmtree(target, ignore_errors=True)
                begin = time.monotonic()
                run("git", "clone", "--quiet", "--bare", f"{root}/bench/history.git", target, env=git)
                times.append(time.monotonic() - begin)
        finally:
            process.stop()
    return {"S3 first clone s": median(times[::2]),
            "S3 first clone more s": median(first - second for first, second in zip(times[::2], times[1::2]))}
