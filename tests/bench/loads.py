"""What is measured on an LFS server. Each function takes a server and a Plan and returns figures by name."""

import hashlib
import http.client
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from machine import CACHE, MIB, Peak, environment, median, memory, run

HERE = Path(__file__).resolve().parent


@dataclass
class Plan:
    """How much is done: the full run or the quick one."""

    work: Path
    rounds: int = 3
    wrk_seconds: int = 4
    big: int = 1024 * MIB
    small: int = 1000
    parallel_bytes: int = 16 * MIB
    parallel_rate: str = "4M"
    files: int = 10_000
    revisions: int = 1_000
    clones: int = 5
    objects: int = 1_000_000
    datasets: int = 100_000
    large: int = 6 * 1024 * MIB
    packed: int = 50
    table: int = 60 * MIB
    changed: int = 200 * MIB
    rows: int = 10_000_000

    @staticmethod
    def quick(work):
        return Plan(work, rounds=1, wrk_seconds=1, big=64 * MIB, small=100, parallel_bytes=2 * MIB,
                    parallel_rate="1M", files=1_000, revisions=100, clones=2, objects=20_000, datasets=5_000,
                    large=1024 * MIB, packed=6, table=10 * MIB, changed=20 * MIB, rows=1_000_000)


def random_file(size, number):
    """A file of incompressible bytes, the same ones every time; kept between runs."""
    path = CACHE / "data" / f"{size}-{number}.bin"
    if not path.exists() or path.stat().st_size != size:
        path.parent.mkdir(parents=True, exist_ok=True)
        key = hashlib.md5(f"rutter/{number}".encode()).hexdigest()
        run("bash", "-c", f"head -c {size} /dev/zero | openssl enc -aes-128-ctr -K {key} -iv {'0' * 32} > '{path}'")
    with path.open("rb") as file:
        return path, hashlib.file_digest(file, "sha256").hexdigest()


def curl_config(url, headers, **options):
    """A request as curl reads it from its standard input, where other users of the machine cannot see it."""
    quote = lambda text: '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
    lines = [f"url = {quote(url)}", 'noproxy = "*"', "silent", "show-error"]
    lines += [f"header = {quote(f'{key}: {value}')}" for key, value in headers.items()]
    lines += [key.replace("_", "-") if value is True else f"{key.replace('_', '-')} = {quote(value)}"
              for key, value in options.items()]
    return ("\n".join(lines) + "\n").encode()


def curl(server, href, headers, size_of, **options):
    """Seconds and server CPU seconds of one transfer, which must succeed and be complete."""
    begin = server.cpu()
    reply = run("curl", "--config", "-", input=curl_config(
        href, headers, output="/dev/null", write_out="%{http_code} %{time_total} %{size_download} %{size_upload}",
        **options)).split()
    if not reply[0].startswith("2") or int(reply[3 if "upload_file" in options else 2]) != size_of:
        raise RuntimeError(f"{server.name}: transfer ended with {' '.join(reply)}")
    return float(reply[1]), server.cpu() - begin


# --- batch ------------------------------------------------------------------------------------------------


def put_bytes(server, oid, data):
    actions = server.actions("upload", oid, len(data))
    if not actions:
        return
    href, headers = actions["upload"]
    address = urlsplit(href)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    connection.request("PUT", address.path + (f"?{address.query}" if address.query else ""), data,
                       {"Content-Type": "application/octet-stream"} | headers)
    reply = connection.getresponse()
    said = reply.read()
    connection.close()
    if reply.status >= 300:
        raise RuntimeError(f"{server.name}: PUT answered {reply.status}: {said[:200]!r}")
    server.verify(actions, oid, len(data))


def small_objects(kind):
    """A hundred objects of 1 KiB: their oids and sizes, and their bytes."""
    contents = [random.Random(f"{kind}/{i}").randbytes(1024) for i in range(100)]
    return [(hashlib.sha256(data).hexdigest(), len(data)) for data in contents], contents


def batch(server, plan):
    """Requests per second and CPU milliseconds per request, for 1 and 100 objects."""
    (here, held), (missing, _) = small_objects("held"), small_objects("missing")
    for (oid, _), data in zip(here, held):
        put_bytes(server, oid, data)
    figures = {}
    for count in (1, 100):
        for verb, objects in (("download", here[:count]), ("upload", missing[:count])):
            reply = server.batch(verb, objects)
            if any(verb not in (reply[oid].get("actions") or {}) for oid, _ in objects):
                raise RuntimeError(f"{server.name}: batch {verb} lacks actions")
            rates, costs = [], []
            wrk(server, verb, objects, 1, plan)
            for _ in range(plan.rounds):
                begin = server.cpu()
                done, rate = wrk(server, verb, objects, plan.wrk_seconds, plan)
                rates.append(rate)
                costs.append((server.cpu() - begin) * 1000 / done)
            figures[f"batch {count} {verb} req/s"] = median(rates)
            figures[f"batch {count} {verb} CPU ms"] = median(costs)
    return figures


def wrk(server, verb, objects, seconds, plan, lfs=None):
    """Requests done, and per second; `lfs` is another address of the same server."""
    folder = Path(tempfile.mkdtemp(dir=plan.work))
    body, authorization = folder / "batch.json", folder / "authorization"
    listed = ",".join(f'{{"oid":"{oid}","size":{size}}}' for oid, size in objects)
    body.write_text(f'{{"operation":"{verb}","transfers":["basic"],"ref":{{"name":"refs/heads/main"}},"objects":[{listed}]}}')
    authorization.touch(0o600)
    authorization.write_text(server.authorization)
    said = run("wrk", "-t1", "-c16", f"-d{seconds}s", "-s", HERE / "batch.lua", (lfs or server.lfs) + "/objects/batch",
               env=environment(BENCH_BODY=str(body), BENCH_AUTHORIZATION=str(authorization)))
    shutil.rmtree(folder)
    if trouble := re.search(r"Non-2xx.*|Socket errors.*", said):
        raise RuntimeError(f"{server.name}: wrk: {trouble[0]}")
    return int(re.search(r"(\d+) requests in", said)[1]), float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])


# --- one big object ---------------------------------------------------------------------------------------


def transfer(server, plan):
    """PUT and GET of big objects with curl: MiB/s and server CPU seconds per GiB."""
    per_gib = (1024 * MIB) / plan.big
    puts, gets = [], []
    for number in range(plan.rounds):
        path, oid = random_file(plan.big, number)
        href, headers = server.action("upload", oid, plan.big)
        os.sync()
        puts.append(curl(server, href, headers, plan.big, upload_file=path))
    os.sync()
    check_bytes(server, oid, plan.big)
    for number in range(plan.rounds):
        href, headers = server.action("download", random_file(plan.big, number)[1], plan.big)
        gets.append(curl(server, href, headers, plan.big))
    rate = lambda times: plan.big / MIB / median(t for t, _ in times)
    return {"PUT MiB/s": rate(puts), "PUT CPU s/GiB": median(c for _, c in puts) * per_gib,
            "GET MiB/s": rate(gets), "GET CPU s/GiB": median(c for _, c in gets) * per_gib}


def check_bytes(server, oid, size):
    """One download, hashed: a fast server that gives other bytes is worth nothing."""
    href, headers = server.action("download", oid, size)
    child = subprocess.Popen(["curl", "--config", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    child.stdin.write(curl_config(href, headers))
    child.stdin.close()
    found = hashlib.file_digest(child.stdout, "sha256").hexdigest()
    if child.wait() != 0 or found != oid:
        raise RuntimeError(f"{server.name}: the download of {oid} has the hash {found}")


# --- many small objects -----------------------------------------------------------------------------------


def small_repository(plan, number):
    """A git repository with many 16 KiB files in LFS; made once for all servers."""
    root = plan.work / f"small-{number}"
    if root.exists():
        return root
    run("git", "init", "--quiet", "--initial-branch=main", root)
    run("git", "lfs", "install", "--local", cwd=root)
    (root / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    source = random.Random(f"small/{number}")
    for index in range(plan.small):
        file = root / f"part-{index // 100:02}" / f"{index:04}.bin"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(source.randbytes(16 * 1024))
    run("git", "add", "--all", cwd=root)
    run("git", "commit", "--quiet", "--message=Small files", cwd=root)
    return root


def small(server, plan):
    """Real git-lfs: seconds and server CPU seconds to push and pull many small objects."""
    git, timings = server.git_environment(), {"push": [], "pull": []}

    def timed(kind, *command, cwd):
        cpu, begin = server.cpu(), time.monotonic()
        run(*command, cwd=cwd, env=git)
        timings[kind].append((time.monotonic() - begin, server.cpu() - cpu))

    for number in range(plan.rounds):
        template = small_repository(plan, number)
        source, bare, clone = (plan.work / name for name in ("push", "bare.git", "pull"))
        for stale in (source, bare, clone):
            shutil.rmtree(stale, ignore_errors=True)
        shutil.copytree(template, source)
        run("git", "init", "--quiet", "--bare", "--initial-branch=main", bare)
        run("git", "remote", "add", "origin", bare, cwd=source)
        for key, value in (("lfs.url", server.lfs), ("lfs.locksverify", "false")):
            run("git", "config", key, value, cwd=source)
        os.sync()
        timed("push", "git", "lfs", "push", "origin", "main", cwd=source)
        run("git", "push", "--quiet", "--no-verify", "origin", "main", cwd=source)
        run("git", "clone", "--quiet", bare, clone, env=git | {"GIT_LFS_SKIP_SMUDGE": "1"})
        run("git", "lfs", "install", "--local", cwd=clone)
        run("git", "config", "lfs.url", server.lfs, cwd=clone)
        os.sync()
        timed("pull", "git", "lfs", "pull", cwd=clone)
        for file in template.rglob("*.bin"):
            if (clone / file.relative_to(template)).read_bytes() != file.read_bytes():
                raise RuntimeError(f"{server.name}: {file.name} came back with other bytes")
        for stale in (source, bare, clone):
            shutil.rmtree(stale)
    return {f"{kind} {plan.small} small {unit}": median(t[place] for t in timings[kind])
            for kind in timings for place, unit in enumerate(("s", "CPU s"))}


# --- memory -----------------------------------------------------------------------------------------------


def idle(server, plan):
    """MiB before anything was asked, two seconds after the start."""
    time.sleep(2)
    return {"memory idle MiB": memory(server.roots)}


def parallel(server, plan):
    """The highest memory while 64 clients of moderate speed upload, and then download, at once."""
    big, _ = random_file(64 * plan.parallel_bytes, 0)
    slices = plan.work / "slices"
    slices.mkdir(exist_ok=True)
    objects = []
    with big.open("rb") as file:
        for number in range(64):
            data = file.read(plan.parallel_bytes)
            objects.append((hashlib.sha256(data).hexdigest(), slices / str(number)))
            if not objects[-1][1].exists():
                objects[-1][1].write_bytes(data)
    figures = {}
    for verb, name in (("upload", "PUT"), ("download", "GET")):
        requests = []
        for oid, path in objects:
            href, headers = server.action(verb, oid, plan.parallel_bytes)
            more = {"upload_file": path} if verb == "upload" else {}
            requests.append(curl_config(href, headers, output="/dev/null", write_out="%{http_code}",
                                        limit_rate=plan.parallel_rate, **more))
        with Peak(server.roots) as peak:
            clients = [subprocess.Popen(["curl", "--config", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=environment()) for _ in requests]
            for client, request in zip(clients, requests):
                client.stdin.write(request)
                client.stdin.close()
            codes = [(client.stdout.read().decode(), client.wait()) for client in clients]
        if bad := [code for code in codes if not code[0].startswith("2") or code[1]]:
            raise RuntimeError(f"{server.name}: {len(bad)} of 64 parallel transfers failed: {bad[0]}")
        figures[f"memory at 64 {name} MiB"] = peak.mib
    return figures


def highest(server, plan):
    """The highest memory of each process since its start, summed; asked last."""
    return {"memory highest MiB": memory(server.roots, "VmHWM")}
