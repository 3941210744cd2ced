"""Rows of tables over Arrow Flight, beside a server of pyarrow; and what a query reads from a bucket, beside DuckDB."""

import asyncio
import json
import threading

from machine import MIB, Process, free_port, run

# Two of twenty columns.
GROUP = "SELECT kind, count(*) AS n, avg(value) AS mean FROM {table} WHERE value > 250 GROUP BY kind ORDER BY kind"

FLIGHT_SERVER = """
import sys
import pyarrow, pyarrow.flight as flight, pyarrow.parquet
port, file, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
pyarrow.set_cpu_count(threads)

class Server(flight.FlightServerBase):
    def get_flight_info(self, context, descriptor):
        table = pyarrow.parquet.ParquetFile(file)
        return flight.FlightInfo(table.schema_arrow, descriptor, [flight.FlightEndpoint(b"table", [])], -1, -1)

    def do_get(self, context, ticket):
        table = pyarrow.parquet.ParquetFile(file)
        return flight.GeneratorStream(table.schema_arrow, table.iter_batches(batch_size=65536))

Server(f"grpc://127.0.0.1:{port}").serve()
"""

# The same client for both servers. The batches are counted and dropped, so that the client's memory is no limit.
FLIGHT_CLIENT = """
import json, sys, time
import pyarrow.flight as flight
address, path, token, rounds = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], int(sys.argv[4])
client = flight.connect(address)
options = flight.FlightCallOptions(headers=[(b"authorization", f"Bearer {token}".encode())])
client.wait_for_available(30)
times, rows = [], 0
for _ in range(rounds):
    begin, rows = time.monotonic(), 0
    info = client.get_flight_info(flight.FlightDescriptor.for_path(*path), options)
    for chunk in client.do_get(info.endpoints[0].ticket, options):
        rows += chunk.data.num_rows
    times.append(time.monotonic() - begin)
print(json.dumps([rows, sorted(times)[len(times) // 2]]))
"""

MAKE_WIDE = """
import sys
import numpy, pyarrow, pyarrow.parquet
rows, file = int(sys.argv[1]), sys.argv[2]
random = numpy.random.default_rng(3)
kinds = pyarrow.array([f"k{number}" for number in range(50)])
columns = {"kind": kinds.take(pyarrow.array(random.integers(0, 50, rows))), "value": random.random(rows) * 1000}
columns |= {f"other{number}": random.random(rows) for number in range(18)}
pyarrow.parquet.write_table(pyarrow.table(columns), file, compression="zstd", row_group_size=131_072, write_page_index=True)
"""

# DuckDB asks for bytes as it does over HTTP: the files of a registered file system are not on a disk for it.
DUCKDB_BYTES = """
import datetime, os, sys
import duckdb, fsspec
file, query = sys.argv[1:]
read = 0

class Counted:
    def __init__(self, file):
        self.file = file
    def read(self, length=-1):
        global read
        found = self.file.read(length)
        read += len(found)
        return found
    def __getattr__(self, name):
        return getattr(self.file, name)

class Files(fsspec.AbstractFileSystem):
    protocol = "counted"
    def _open(self, path, mode="rb", **more):
        return Counted(open(file, "rb"))
    def info(self, path, **more):
        return {"name": file, "size": os.path.getsize(file), "type": "file"}
    def modified(self, path):
        return datetime.datetime.fromtimestamp(os.path.getmtime(file))
    def exists(self, path, **more):
        return True
    def glob(self, path, **more):
        return [path]

duckdb.register_filesystem(Files())
# Threads would move the place in the file for each other.
duckdb.execute("SET threads = 1; SET enable_progress_bar = false")
assert len(duckdb.sql(query.format(table="'counted://table.parquet'")).fetchall()) == 50
print(read)
"""


def flight(api, server, dataset, file, python, rounds, threads, rows):
    """Returns the rows per second of a whole table, and those of pyarrow, each with a server of its own."""

    def million_rows_per_second(address, path, token):
        found, seconds = json.loads(run(python, "-c", FLIGHT_CLIENT, address, json.dumps(path), token, rounds, timeout=1800))
        if found != rows:
            raise RuntimeError(f"{found} rows of {rows} from {address}")
        return rows / seconds / 1e6

    ours = million_rows_per_second(server.root.replace("http://", "grpc+tcp://"), [dataset, file.name], server.token)
    port = free_port()
    rival = Process([python, "-c", FLIGHT_SERVER, port, file, threads], file.with_name("flight.log"))
    try:
        theirs = million_rows_per_second(f"grpc+tcp://127.0.0.1:{port}", [file.name], "none")
    finally:
        rival.stop()
    return {"Flight DoGet Mrows/s": ours}, {"Flight DoGet Mrows/s": theirs}


class Counter:
    """A TCP proxy that counts the bytes which come back."""

    def __init__(self, host, port):
        self.target, self.received = (host, port), 0
        self.loop, started = asyncio.new_event_loop(), threading.Event()
        threading.Thread(target=self.serve, args=[started], daemon=True).start()
        started.wait()

    def serve(self, started):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.connect, "127.0.0.1"))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()

    async def connect(self, reader, writer):
        there, back = await asyncio.open_connection(*self.target)
        await asyncio.gather(self.copy(reader, back, False), self.copy(there, writer, True))

    async def copy(self, reader, writer, count):
        try:
            while data := await reader.read(65536):
                self.received += len(data) if count else 0
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # The other direction ends too.
        finally:
            writer.close()


def bucket(api, server, dataset, file, python):
    """Returns the MiB that a query over two of twenty columns reads from a bucket, and those that DuckDB reads."""
    # What is read of the repository is in the cache after this. The file is not touched.
    api.call("GET", f"datasets/{dataset}/tables/HEAD")
    before = server.counter.received
    found = api.call("POST", "sql", {"query": GROUP.format(table=f'"{file.name}"'), "default": dataset})
    if len(found["rows"]) != 50:
        raise RuntimeError(f"{len(found['rows'])} groups")
    figures = {"bytes read from a bucket for 2 of 20 columns MiB": (server.counter.received - before) / MIB}
    rival = int(run(python, "-c", DUCKDB_BYTES, file, GROUP, timeout=1800)) / MIB
    return figures, {name: rival for name in figures}
