#!/usr/bin/env python3
"""make bench: rutter beside rudolfs, giftless, git http-backend, borg, oidc-provider, configurable-http-proxy, docker
run and what the machine can do at all.

One server runs at a time, on a loopback port, in an empty folder. The table goes to the terminal, everything to a
JSON file. On a busy machine compare the ratios of one run, not the figures of two."""

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import time
from functools import partial
from pathlib import Path

import app_start
import apps
import bounds
import browser
import cloud
import garbage
import git_load
import idle_apps
import large
import loads
import oauth
import packed
import proxies
import search
import tables
import versions
from machine import CACHE, Skip, load
from report import table
from servers import Giftless, Nginx, Rudolfs, Rutter, running

LFS_LOADS = {"idle": loads.idle, "batch": loads.batch, "put": loads.transfer, "small": loads.small,
             "memory": loads.parallel}
CLOUD_LOADS = [("cloud", load) for load in (cloud.batches, cloud.uploads, cloud.scaling, cloud.cold)]
BROWSER_LOADS = [("browser", load) for load in (browser.uploads, browser.viewing, browser.huge)]
APP_LOADS = (apps.requests, apps.transfers, apps.sockets)
LARGE_LOADS = [(Rutter, large.by_put), (Rutter, large.by_parts), (Rutter, large.by_tus),
               (cloud.RutterOnS3, large.by_parts), (cloud.RutterOnS3, large.by_tus)]
PARTS = [*LFS_LOADS, "large", "gc", "clone", "versions", "packed", "search", "tables", "oauth", "apps", "app-start", "browser",
         "cloud", "bounds"]


class Bench:
    def __init__(self, plan, parts, names):
        self.plan, self.parts, self.names = plan, parts, names
        self.figures, self.skipped, self.failed = {}, {}, {}

    def measure(self, name, part, function, *arguments):
        """One measurement; what goes wrong is noted and the rest goes on."""
        begin = time.monotonic()
        try:
            found = function(*arguments)
        except Skip as reason:
            self.skipped[f"{name} {part}"] = str(reason)
            return
        except Exception as error:  # noqa: BLE001 - one broken server must not hide the figures of the others
            self.failed[f"{name} {part}"] = str(error)
            print(f"  {name:<9} {part:<7} FAILED: {error}", flush=True)
            return
        self.figures.setdefault(name, {}).update(found)
        figures = ", ".join(f"{key} {value:.4g}" for key, value in found.items())
        print(f"  {name:<9} {part:<7} {time.monotonic() - begin:5.0f} s  load {load():.1f}  {figures}", flush=True)

    def serve(self, server, jobs):
        """Start a server and run jobs, a list of (part, function), against it."""
        if not jobs or server.name not in self.names:
            return
        try:
            server.install()
            with running(server, self.plan.work / "server"):
                for part, function in jobs:
                    self.measure(server.name, part, function, server, self.plan)
                if "memory" in self.parts and any(part == "memory" for part, _ in jobs):
                    self.measure(server.name, "memory", loads.highest, server, self.plan)
        except Skip as reason:
            self.skipped[server.name] = str(reason)
            print(f"  {server.name:<9} skipped: {reason}", flush=True)
        except (RuntimeError, OSError) as error:
            self.failed[server.name] = str(error)
            print(f"  {server.name:<9} FAILED: {error}", flush=True)

    def beside(self, function, server, plan):
        """A measurement that finds figures of rivals too, by name."""
        found = function(server, plan)
        for rival in found.keys() - {server.name}:
            self.figures.setdefault(rival, {}).update(found[rival])
        return found[server.name]

    def prepared(self):
        """Whether there is a browser and what it is to load: before the server is built, which carries the pages."""
        try:
            browser.prepare()
        except Skip as reason:
            self.skipped["browser"] = str(reason)
            return False
        return True

    def run(self):
        browsing = "browser" in self.parts and self.prepared()
        wanted = [(part, function) for part, function in LFS_LOADS.items() if part in self.parts]
        if "bounds" in self.parts:
            self.measure("machine", "bounds", bounds.hashing, self.plan)
            self.measure("machine", "bounds", bounds.writing, self.plan)
            self.serve(Nginx(), [("bounds", bounds.static)])
        for server in (Rudolfs(), Giftless(), Rutter()):
            self.serve(server, wanted)
        if "clone" in self.parts:
            self.serve(Nginx(), [("clone", git_load.clone_from_backend)])
            self.serve(Rutter(), [("clone", git_load.clone_from_rutter)])
        if "gc" in self.parts:
            self.serve(garbage.Hoard(), [("gc", garbage.collect)])
        if "large" in self.parts:
            for kind, load in LARGE_LOADS:
                self.serve(kind(), [("large", load)])
        if "cloud" in self.parts:
            self.serve(cloud.RutterOnS3(), CLOUD_LOADS)
        if "versions" in self.parts:
            self.serve(Rutter(), [("versions", partial(self.beside, versions.compare))])
            self.measure("metastore", "versions", versions.metastore, self.plan)
        if "packed" in self.parts:
            # Each has a server of its own, whose folder is deleted before the next one.
            for load in (partial(self.beside, packed.uploads), packed.downloads):
                self.serve(Rutter(), [("packed", load)])
            self.measure("machine", "packed", packed.ingest, self.plan)
            for kind in packed.KINDS:
                self.serve(Rutter(), [("packed", partial(packed.storage, kind))])
                self.measure("borg", "packed", packed.borg, kind, self.plan)
        if "search" in self.parts:
            self.serve(Rutter(), [("search", search.measure)])
        if "tables" in self.parts:
            self.serve(tables.RutterTables(), [("tables", partial(self.beside, tables.measure))])
            self.serve(tables.RutterTablesOnS3(), [("tables", partial(self.beside, tables.bucket_reads))])
        if "oauth" in self.parts:
            self.serve(oauth.OidcProvider(), [("oauth", oauth.rival)])
            self.serve(Rutter(), [("oauth", partial(self.beside, oauth.measure))])
        if "apps" in self.parts:
            self.serve(proxies.RutterApps(self.plan), [
                *(("apps", partial(self.beside, load)) for load in APP_LOADS), ("apps", idle_apps.measure)])
        if "app-start" in self.parts and "rutter" in self.names:
            self.measure("rutter", "app-start", self.beside, app_start.measure, Rutter(), self.plan)
        if browsing:
            self.serve(Rutter(), [("browser", partial(self.beside, browser.hashing)), *BROWSER_LOADS])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke run of about two minutes")
    parser.add_argument("--only", metavar="PART,…", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--servers", metavar="NAME,…", default="rutter,rudolfs,giftless,nginx,oidc-provider")
    parser.add_argument("--json", type=Path, default=CACHE / "result.json", help="where the figures go (%(default)s)")
    parser.add_argument("--work", type=Path, default=CACHE / "work", help="a folder on the disk to measure (%(default)s)")
    chosen = parser.parse_args()
    parts = chosen.only.split(",") if chosen.only else PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    shutil.rmtree(chosen.work, ignore_errors=True)
    chosen.work.mkdir(parents=True)
    plan = loads.Plan.quick(chosen.work) if chosen.quick else loads.Plan(chosen.work)
    bench = Bench(plan, parts, chosen.servers.split(","))
    start = load()
    try:
        bench.run()
    finally:
        shutil.rmtree(chosen.work, ignore_errors=True)
    result = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "quick": chosen.quick, "cores": os.cpu_count(),
              "kernel": platform.release(), "load": [start, load()], "figures": bench.figures,
              "skipped": bench.skipped, "failed": bench.failed}
    text, result["goals"] = table(bench.figures, plan)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(result, indent=2) + "\n")
    print("\n" + text)
    for what, why in bench.skipped.items():
        print(f"skipped: {what}: {why}")
    for what, why in bench.failed.items():
        print(f"FAILED: {what}: {why}")
    print(f"{os.cpu_count()} cores, load {start:.1f} at the start and {load():.1f} at the end; figures in {chosen.json}")
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
