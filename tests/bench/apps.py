"""Requests, transfers and WebSockets through the proxy of apps, beside other proxies to the same servers. Each ratio is
the median of ratios within a turn: the proxies are measured one after the other in each."""

import os
import resource
import socket
import statistics
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

from loads import curl, random_file
from machine import MIB, Peak, cpu_seconds, median, memory
from oauth import steady
from proxies import BODY

CONNECTIONS = 64
# WebSockets that are open at one time, and for how many seconds they are idle.
SOCKETS, IDLE_SECONDS = 1000, 10
ECHOES = 500


def targets(server):
    """What is measured: the servers themselves, the other proxies, and ours for everyone and for one user."""
    return {"machine": server.direct, **{rival.name: rival for rival in server.rivals},
            "rutter": server.public, "cookie": server.private}


def small(of, connections, plan):
    """1 KiB over and over: requests per second, CPU milliseconds of each, and the median in milliseconds."""
    url, headers = of.place("/small")
    return steady(of, urlsplit(url).path, BODY, headers, 1, plan, connections)


def ratios(rows, name, key, against, place):
    """The median of ours divided by another's, if that was measured."""
    if against not in rows[0]:
        return {}
    return {f"{name} / {against}": median(row[key][place] / row[against][place] for row in rows)}


def above(rows, key, place):
    """The median of what ours takes longer than without a proxy."""
    return median(row[key][place] - row["machine"][place] for row in rows)


def requests(server, plan):
    """1 KiB from 64 connections, and by a client that asks nothing else."""
    those = targets(server)
    for of in those.values():
        # A program that compiles itself while it runs is slow at first.
        small(of, CONNECTIONS, plan)
    turns = range(plan.rounds * plan.wrk_seconds)
    many = [{key: small(of, CONNECTIONS, plan) for key, of in those.items()} for _ in turns]
    alone = [{key: small(of, 1, plan) for key, of in those.items()} for _ in turns]
    figures = {key: {"app 1 KiB req/s": median(row[key][0] for row in many),
                     "app 1 KiB CPU ms": median(row[key][1] for row in many),
                     "app 1 KiB p50 ms": median(row[key][2] for row in alone)}
               for key in those if key != "cookie"}
    for key, name in (("rutter", "app 1 KiB"), ("cookie", "app 1 KiB with cookie")):
        for rival in server.rivals:
            figures["rutter"] |= ratios(many, name, key, rival.name, 0)
        figures["rutter"][f"{name} p50 above direct ms"] = above(alone, key, 2)
    return figures | {"rutter": figures["rutter"] | {
        "app 1 KiB with cookie req/s": median(row["cookie"][0] for row in many),
        "app 1 KiB with cookie CPU ms": median(row["cookie"][1] for row in many)}}


def transfers(server, plan):
    """A big file down and up: MiB per second, CPU seconds per GiB, and how much memory grows."""
    those = {key: of for key, of in targets(server).items() if key != "cookie"}
    path, _ = random_file(plan.big, 0)
    figures = {key: {} for key in those}
    for name, at, more in (("download", "/big", {}), ("upload", "/echo/read", {"upload_file": path})):
        rows = []
        # The first turn only warms up.
        for _ in range(plan.rounds + 1):
            row = {}
            for key, of in those.items():
                url, headers = of.place(at)
                roots = server.roots if key == "rutter" else of.roots
                before = memory(roots)
                with Peak(roots) as peak:
                    took, used = curl(of, url, headers, plan.big, **more)
                row[key] = plan.big / MIB / took, used * 1024 * MIB / plan.big, max(peak.mib - before, 0.0)
            rows.append(row)
        rows = rows[1:]
        for key in those:
            figures[key] |= {f"app {name} MiB/s": median(row[key][0] for row in rows),
                             f"app {name} CPU s/GiB": median(row[key][1] for row in rows),
                             f"app {name} growth MiB": max(row[key][2] for row in rows)}
        figures["rutter"] |= ratios(rows, f"app {name}", "rutter", "nginx", 0)
    return figures


class WebSocket:
    """A client with one message at a time."""

    def __init__(self, of):
        url, headers = of.place("/echo/socket")
        parts = urlsplit(url)
        self.stream = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = {"Host": parts.netloc, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                 "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **headers}
        head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
        self.stream.sendall(f"GET {parts.path} HTTP/1.1\r\n{head}\r\n".encode())
        said = b""
        while not said.endswith(b"\r\n\r\n"):
            more = self.stream.recv(4096)
            said += more
            if not more:
                break
        if not said.startswith(b"HTTP/1.1 101 "):
            raise RuntimeError(f"{of.name}: a WebSocket was answered with {said[:300]!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def echo(self):
        """Sends a text of 16 bytes, and waits for it to come back."""
        text = os.urandom(8).hex().encode()
        self.stream.sendall(b"\x81" + bytes([0x80 | len(text)]) + bytes(4) + text)
        said = b""
        while len(said) < 2 + len(text):
            more = self.stream.recv(4096)
            if not more:
                raise RuntimeError("a WebSocket was closed")
            said += more
        if said != bytes([0x81, len(text)]) + text:
            raise RuntimeError(f"a WebSocket returned {said[:100]!r}")


def merged(*parts):
    """Figures by name of the proxy, of several measurements."""
    found = {}
    for part in parts:
        for key, figures in part.items():
            found.setdefault(key, {}).update(figures)
    return found


def milliseconds_of_echo(client):
    begin = time.perf_counter()
    client.echo()
    return (time.perf_counter() - begin) * 1000


def sockets(server, plan):
    """Messages of one WebSocket, and what many cost that are idle."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        return merged(echoes(server, plan), idle(server))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))


def echoes(server, plan):
    """How long a message takes to the app and back."""
    those, rows = {key: of for key, of in targets(server).items() if key != "rutter"}, []
    with ExitStack() as open_ones:
        clients = {key: open_ones.enter_context(WebSocket(of)) for key, of in those.items()}
        for _ in range(plan.rounds * plan.wrk_seconds + 1):
            rows.append({key: [statistics.median(milliseconds_of_echo(client) for _ in range(ECHOES))]
                         for key, client in clients.items()})
    # The first turn only warms up.
    rows = rows[1:]
    figures = {"rutter" if key == "cookie" else key: {"WebSocket echo p50 ms": median(row[key][0] for row in rows)}
               for key in those}
    figures["rutter"]["WebSocket echo above direct ms"] = above(rows, "cookie", 0)
    return figures


def idle(server):
    """Memory of each of many WebSockets, and the CPU time of all while nothing is sent."""
    figures = {}
    for key, of in {**{rival.name: rival for rival in server.rivals}, "rutter": server.private}.items():
        roots = server.roots if key == "rutter" else of.roots
        before = memory(roots)
        with ExitStack() as open_ones:
            clients = [open_ones.enter_context(WebSocket(of)) for _ in range(SOCKETS)]
            for client in clients:
                client.echo()
            held = max(memory(roots) - before, 0.0) * 1024 / SOCKETS
            time.sleep(1)
            cpu = cpu_seconds(roots)
            time.sleep(IDLE_SECONDS)
            used = (cpu_seconds(roots) - cpu) * 100 / IDLE_SECONDS
            clients[-1].echo()
        figures[key] = {"WebSocket memory KiB": held, f"{SOCKETS:,} idle WebSockets CPU %": used}
    return figures
