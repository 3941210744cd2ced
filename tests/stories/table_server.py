"""A server of tables, for scripts that measure it. SERVER, TOKEN and, where memory is measured, PROCESS, its process id."""

import http.client
import json
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

MIB = 1 << 20
address = urlsplit(os.environ["SERVER"])
connection = http.client.HTTPConnection(address.hostname, address.port, timeout=600)


def request(method, path, body=None, **headers):
    """Returns the status and the body of a response."""
    if isinstance(body, (dict, list)):
        body, headers["Content-Type"] = json.dumps(body), "application/json"
    connection.request(method, f"/api/v1/{path}", body, {"Authorization": f"Bearer {os.environ['TOKEN']}", **headers})
    response = connection.getresponse()
    return response.status, response.read()


def call(method, path, body=None):
    """Returns the JSON of a successful response."""
    status, said = request(method, path, body)
    assert status < 300, (method, path, status, said[:1000])
    return json.loads(said or "null")


def put(dataset, path, file):
    """Uploads a file. The server may have closed the connection while the file was made."""
    connection.close()
    with open(file, "rb") as content:
        status, said = request("PUT", f"drive/{dataset}/files/{quote(path)}", content,
                               **{"Content-Length": str(os.path.getsize(file))})
    assert status < 300, (path, status, said[:1000])


def query(**pairs):
    return urlencode(pairs)


def diff(dataset, **pairs):
    """Returns the status and the body of the first page of a row diff; repeats the request while it runs."""
    while True:
        status, said = request("GET", f"datasets/{dataset}/diff/rows?{query(**pairs)}")
        if status != 202:
            return status, said


def memory(process, key="VmRSS"):
    """Returns the memory of a process in MiB: what it has now, or `VmHWM`, the most it had. 0 if it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


class Peaks:
    """Measures, while a block runs: `seconds`; `server`, by how many MiB the memory of the server grows at most; `engine`, the
    most memory of one of its engines; `highest`, the most memory of the server or another process."""

    def __init__(self, process=None):
        self.process = process or int(os.environ["PROCESS"])

    def __enter__(self):
        # The kernel keeps a peak until it is reset.
        for process in [self.process, *self.engines()]:
            with suppress(OSError):
                Path(f"/proc/{process}/clear_refs").write_text("5")
        self.before, self.highest, self.engine = memory(self.process), 0.0, 0.0
        self.over, self.begin = threading.Event(), time.monotonic()
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()
        return self

    def engines(self):
        with suppress(OSError):
            for task in Path(f"/proc/{self.process}/task").iterdir():
                yield from Path(task, "children").read_text().split()

    def sample(self):
        while True:
            over = self.over.wait(0.02)
            with suppress(OSError):
                self.highest = max(self.highest, memory(self.process, "VmHWM"))
                self.engine = max([self.engine, *(memory(engine, "VmHWM") for engine in self.engines())])
            if over:
                break

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.begin
        self.over.set()
        self.thread.join()
        self.server = self.highest - self.before
