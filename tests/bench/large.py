"""The memory that one very large object takes, by each way in which a client can send it. Each way has a server of its
own, so that the highest memory since the start is the upload's."""

import hashlib
import http.client
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import loads
from machine import MIB, memory, run

# Zeros take no room on the client's disk, and the server neither knows nor cares. The end is something else.
END = b"the end of a large object"
# Parts that are sent at one time, and requests to end an upload while it is being hashed.
AT_ONCE, ENDINGS = 4, 60


def large_file(plan):
    """The object: a file that is nearly all hole, and its oid."""
    path, block = plan.work / "large.bin", bytes(MIB)
    with path.open("wb") as file:
        file.truncate(plan.large - len(END))
        file.seek(0, 2)
        file.write(END)
    digest = hashlib.sha256()
    for _ in range(plan.large // MIB - 1):
        digest.update(block)
    digest.update(block[len(END):] + END)
    return path, digest.hexdigest()


def by_put(server, plan):
    """In one request, as clients of plain Git LFS do."""
    path, oid = large_file(plan)
    href, headers = server.action("upload", oid, plan.large)
    loads.curl(server, href, headers, plan.large, upload_file=path)
    return highest(server, plan, oid, "PUT")


def by_tus(server, plan):
    """In one request that could go on after an interruption, through the server to wherever its store is."""
    path, oid = large_file(plan)
    actions = server.actions("upload", oid, plan.large, "tus")
    href, headers = actions["upload"]
    more = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    loads.curl(server, href, headers | more, plan.large, upload_file=path, request="PATCH")
    server.verify(actions, oid, plan.large)
    return highest(server, plan, oid, "tus")


def by_parts(server, plan):
    """In parts, some at one time: through the server to a folder, but straight to a bucket, from where the server reads
    all of it once to hash it."""
    path, oid = large_file(plan)
    actions = server.batch("upload", [(oid, plan.large)], "multipart-basic")[oid]["actions"]
    own = threading.local()

    def send(part):
        address = urlsplit(part["href"])
        if getattr(own, "address", None) != address.netloc:
            own.address, own.connection = address.netloc, http.client.HTTPConnection(address.netloc, timeout=120)
        with path.open("rb") as file:
            file.seek(part["pos"])
            body = file.read(part["size"])
        own.connection.request("PUT", f"{address.path}?{address.query}", body, part.get("header") or {})
        reply = own.connection.getresponse()
        said = reply.read()
        if reply.status != 200:
            raise RuntimeError(f"{server.name}: the part at {part['pos']} was answered with {reply.status}: {said[:300]!r}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(send, actions["parts"]))
    commit = actions["commit"]
    for _ in range(ENDINGS):
        code = run("curl", "--config", "-", input=loads.curl_config(
            commit["href"], commit["header"], data=commit["body"], output="/dev/null", write_out="%{http_code}"))
        # It is still hashing; a repeated request waits for it.
        if code != "503":
            break
    if code != "200":
        raise RuntimeError(f"{server.name}: the end of an upload in parts was answered with {code}")
    return highest(server, plan, oid, "parts")


def highest(server, plan, oid, way):
    """The highest memory since the start, if the object has arrived."""
    found = memory(server.roots, "VmHWM")
    href, headers = server.action("download", oid, plan.large)
    end = run("curl", "--config", "-", input=loads.curl_config(href, headers, range=f"-{len(END)}"))
    if end.encode() != END:
        raise RuntimeError(f"{server.name}: the object of {plan.large} bytes ends with {end[:100]!r}")
    return {f"{server.prefix}{named(plan.large)} {way} peak MiB": found}


def named(size):
    return f"{size / (1024 * MIB):g} GiB"
