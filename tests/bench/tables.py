"""Tables: pages, filters, statistics, SQL and row diffs, beside DuckDB, pandas and daff on the same files with as many threads."""

import json
import os
import time
from functools import partial
from urllib.parse import urlencode

import cloud
import table_queries
import table_transfers
from machine import CACHE, median, memory, python_with, run
from servers import REPOSITORY, Rutter
from versions import Api

PACKAGES = ["daff==1.4.2", "duckdb==2.0.1", "fsspec==2026.9.0", "numpy", "pandas==3.1.1", "pyarrow==26.0.1"]
PATH = "bench/tables"
# The default of rutter.
THREADS = 2
FILTER = "value > 990 AND kind = 'k7'"

# Three columns that a query needs, and others as wide.
MAKE = """
import sys
import numpy, pyarrow, pyarrow.csv, pyarrow.parquet
rows, csv_rows, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
random = numpy.random.default_rng(1)
kinds = pyarrow.array([f"k{number}" for number in range(50)])
columns = {"id": numpy.arange(rows), "value": random.random(rows) * 1000, "count": random.integers(0, 1 << 40, rows),
           "kind": kinds.take(pyarrow.array(random.integers(0, 50, rows))),
           "day": pyarrow.array(random.integers(0, 20_000, rows).astype("int32")).cast(pyarrow.date32())}
columns |= {f"other{number}": random.random(rows) for number in range(5)}
table = pyarrow.table(columns)
pyarrow.parquet.write_table(table, folder + "/table.parquet", compression="zstd", row_group_size=131_072, write_page_index=True)
pyarrow.csv.write_csv(table.slice(0, csv_rows), folder + "/table.csv")
"""

QUERY = """
import json, sys, time
import duckdb
files, rounds, filter, threads = json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
duckdb.execute(f"SET threads = {threads}; SET enable_progress_bar = false")
took = {}
for name, file in files.items():
    for what, query in {
        "filter": f"SELECT * FROM '{file}' WHERE {filter} ORDER BY value DESC LIMIT 100",
        "statistics": f"SUMMARIZE SELECT * FROM '{file}'",
    }.items():
        times = []
        for _ in range(rounds):
            begin = time.monotonic()
            duckdb.sql(query).fetchall()
            times.append((time.monotonic() - begin) * 1000)
        took[f"{name} {what}"] = sorted(times)[len(times) // 2]
print(json.dumps(took))
"""


class WithEngine:
    """A server with the table engine, whose processes are kept for two seconds and have 256 MiB for rows."""

    def install(self):
        super().install()
        engine = run(REPOSITORY / "scripts" / "tables.sh", "--quiet", cwd=REPOSITORY, env=dict(os.environ), timeout=3600)
        self.settings = {"RUTTER_TABLES__PROGRAM": engine.strip(), "RUTTER_TABLES__IDLE_SECONDS": "2",
                         "RUTTER_TABLES__MEMORY_BYTES": "256MiB"}


class RutterTables(WithEngine, Rutter):
    pass


class RutterTablesOnS3(WithEngine, cloud.RutterOnS3):
    """Counts the bytes that come from the bucket."""

    def endpoint(self, host, port):
        self.counter = table_transfers.Counter(host, port)
        return f"http://127.0.0.1:{self.counter.port}"


def timed(api, path):
    begin = time.monotonic()
    said = api.call("GET", path)
    return (time.monotonic() - begin) * 1000, said


def upload(server, api, dataset, file, name):
    run("curl", "--silent", "--fail", "--noproxy", "*", "--header", f"Authorization: {api.authorization}", "--upload-file",
        file, f"{server.root}/api/v1/drive/{dataset}/files/{name}", timeout=1800)


def packages():
    return python_with(CACHE / "tables", *PACKAGES)


def measure(server, plan):
    """Milliseconds of requests to the server, and those of DuckDB, by name."""
    python = packages()
    folder = plan.work / "tables"
    folder.mkdir()
    run(python, "-c", MAKE, plan.rows, plan.rows // 10, folder, timeout=1800)
    api = Api(server)
    api.call("POST", "datasets", {"id": PATH})
    files = {"Parquet": folder / "table.parquet", "CSV": folder / "table.csv"}

    for file in files.values():
        upload(server, api, PATH, file, file.name)
    before = memory([server.process.pid])
    figures, rounds = {}, max(3, plan.rounds)
    rows = f"datasets/{PATH}/rows/HEAD"

    # Different offsets, so that no result is in the cache.
    far = plan.rows * 9 // 10
    timed(api, f"{rows}/table.parquet?limit=1")
    for name, start in (("first", 0), ("far", far)):
        took = []
        for number in range(2 * rounds):
            taken, page = timed(api, f"{rows}/table.parquet?limit=50&offset={start + number}")
            if page["rows"][0][0] != start + number:
                raise RuntimeError(f"row {start + number} is {page['rows'][0]}")
            took.append(taken)
        figures[f"{name} page of Parquet ms"] = median(took)
    figures["far / first page of Parquet"] = figures["far page of Parquet ms"] / figures["first page of Parquet ms"]
    cold = []
    for number in range(rounds):
        # Until its engine was idle for long enough.
        time.sleep(2.5)
        cold.append(timed(api, f"{rows}/table.parquet?limit=50&offset={1000 + number}")[0])
    figures["first page with a cold engine above a warm one ms"] = median(cold) - figures["first page of Parquet ms"]

    rival = json.loads(run(python, "-c", QUERY, json.dumps({name: str(file) for name, file in files.items()}), rounds, FILTER,
                           THREADS, timeout=1800))
    for name, file in files.items():
        took = []
        for number in range(rounds):
            query = urlencode({"where": f"{FILTER} AND id >= {number}", "sort": "-value", "limit": 100})
            taken, page = timed(api, f"{rows}/{file.name}?{query}")
            # A small table has fewer such rows than the limit.
            if not page["rows"]:
                raise RuntimeError(f"no rows of {name}")
            took.append(taken)
        again, _ = timed(api, f"{rows}/{file.name}?{query}")
        figures[f"filter of {name} ms"] = median(took)
        figures[f"filter of {name} again / at first"] = again / median(took)
        figures[f"filter of {name} / DuckDB"] = median(took) / rival[f"{name} filter"]
        taken, found = timed(api, f"datasets/{PATH}/statistics/HEAD/{file.name}")
        figures[f"statistics of {name} Mrows/s"] = found["rows"] / taken / 1000
        figures[f"statistics of {name} ms"] = taken
        figures[f"statistics of {name} / DuckDB"] = taken / rival[f"{name} statistics"]
    asked, duckdb = table_queries.queries(api, PATH, files, python, rounds, THREADS)
    compared, pandas, daff = table_queries.diffs(api, server, PATH, folder, partial(upload, server, api, PATH), python, min(plan.rows, 1_000_000), rounds)
    sent, pyarrow = table_transfers.flight(api, server, PATH, files["Parquet"], python, rounds, THREADS, plan.rows)
    figures |= asked | compared | sent
    time.sleep(2.5)
    figures["memory after tables above idle MiB"] = memory([server.process.pid]) - before
    duckdb |= {f"{what} of {name} ms": rival[f"{name} {what}"] for name in files for what in ("filter", "statistics")}
    return {"rutter": figures, "DuckDB": duckdb, "pandas": pandas, "daff": daff, "pyarrow": pyarrow}


def bucket_reads(server, plan):
    """MiB that a query reads from a bucket, and those of DuckDB, by name."""
    python, file, dataset, api = packages(), plan.work / "wide.parquet", "bench/wide", Api(server)
    run(python, "-c", table_transfers.MAKE_WIDE, plan.rows // 5, file, timeout=1800)
    api.call("POST", "datasets", {"id": dataset})
    upload(server, api, dataset, file, file.name)
    figures, duckdb = table_transfers.bucket(api, server, dataset, file, python)
    return {"rutter": figures, "DuckDB": duckdb}
