"""SQL and row diffs: beside DuckDB, pandas and daff on the same files with as many threads."""

import json
import time

from machine import Peak, median, memory, run

GROUP = "SELECT kind, count(*) AS n, avg(value) AS mean, max(count) AS most FROM {table} WHERE value > 250 GROUP BY kind ORDER BY kind"
JOIN = ("SELECT a.kind, sum(b.value) AS total FROM {table} a JOIN {table} b ON a.id = b.id WHERE a.value > 900"
        " GROUP BY a.kind ORDER BY a.kind")
QUERIES = {"group": GROUP, "join": JOIN}

# Two versions of a table of ten columns: one row in a hundred is changed, one in a thousand is new, one in a thousand is gone.
MAKE_VERSIONS = """
import sys
import numpy, pyarrow, pyarrow.csv, pyarrow.parquet
rows, folder = int(sys.argv[1]), sys.argv[2]
random = numpy.random.default_rng(2)
table = pyarrow.parquet.read_table(folder + "/table.parquet").slice(0, rows)
new = table.to_pandas()
new.loc[::100, "value"] += 1
new = new[new["id"] % 1000 != 7]
added = new.iloc[: rows // 1000].copy()
added["id"] += 1 << 40
new = pyarrow.Table.from_pandas(pyarrow.concat_tables([pyarrow.Table.from_pandas(new, schema=table.schema, preserve_index=False),
    pyarrow.Table.from_pandas(added, schema=table.schema, preserve_index=False)]).to_pandas(), schema=table.schema, preserve_index=False)
for name, version in [("old", table), ("new", new)]:
    pyarrow.parquet.write_table(version, f"{folder}/{name}.parquet", compression="zstd", row_group_size=131_072)
    pyarrow.csv.write_csv(version, f"{folder}/{name}.csv")
small = rows // 50
for name, version in [("old", table), ("new", new)]:
    pyarrow.csv.write_csv(version.slice(0, small), f"{folder}/small-{name}.csv")
"""

# What people do in a notebook: an outer merge by the key, and then a comparison of each column.
PANDAS = """
import json, sys, time
import pandas
folder, rounds = sys.argv[1], int(sys.argv[2])
took = {}
for kind, read in {"Parquet": pandas.read_parquet, "CSV": pandas.read_csv}.items():
    times = []
    for _ in range(rounds):
        begin = time.monotonic()
        extension = kind.lower()
        old, new = read(f"{folder}/old.{extension}"), read(f"{folder}/new.{extension}")
        both = old.merge(new, on="id", how="outer", suffixes=("_from", "_to"), indicator=True)
        kept = both[both["_merge"] == "both"]
        changed = pandas.Series(False, index=kept.index)
        for column in old.columns.drop("id"):
            before, after = kept[column + "_from"], kept[column + "_to"]
            changed |= (before != after) & ~(before.isna() & after.isna())
        counts = [int((both["_merge"] == "right_only").sum()), int((both["_merge"] == "left_only").sum()), int(changed.sum())]
        times.append((time.monotonic() - begin) * 1000)
    took[kind] = [sorted(times)[len(times) // 2], counts]
print(json.dumps(took))
"""

DAFF = """
import csv, json, sys, time
import daff
folder = sys.argv[1]
begin = time.monotonic()
old, new = (daff.PythonTableView(list(csv.reader(open(f"{folder}/small-{name}.csv", newline="")))) for name in ("old", "new"))
flags = daff.CompareFlags()
flags.addPrimaryKey("id")
result = daff.PythonTableView([])
daff.TableDiff(daff.Coopy.compareTables(old, new, flags).align(), flags).hilite(result)
print(json.dumps((time.monotonic() - begin) * 1000))
"""

DUCKDB = """
import json, sys, time
import duckdb
queries, rounds, threads = json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
duckdb.execute(f"SET threads = {threads}; SET enable_progress_bar = false")
took = {}
for name, query in queries.items():
    times = []
    for _ in range(rounds):
        begin = time.monotonic()
        duckdb.sql(query).fetchall()
        times.append((time.monotonic() - begin) * 1000)
    took[name] = sorted(times)[len(times) // 2]
print(json.dumps(took))
"""


def sql(api, dataset, query):
    begin = time.monotonic()
    found = api.call("POST", "sql", {"query": query, "default": dataset})
    return (time.monotonic() - begin) * 1000, found


def queries(api, dataset, files, python, rounds, threads):
    """Returns figures of queries, and those of DuckDB."""
    asked = {f"{what} {kind}": query.format(table=f"'{file}'") for what, query in QUERIES.items() for kind, file in files.items()}
    rival = json.loads(run(python, "-c", DUCKDB, json.dumps(asked), rounds, threads, timeout=1800))
    figures = {}
    for what, query in QUERIES.items():
        for kind, file in files.items():
            took = []
            for number in range(rounds):
                # Different queries, so that no result is in the cache.
                text = query.format(table=f'"{file.name}"').replace(" WHERE ", f" WHERE {number} = {number} AND ")
                taken, found = sql(api, dataset, text)
                if len(found["rows"]) != 50:
                    raise RuntimeError(f"{len(found['rows'])} groups of {file.name}")
                took.append(taken)
            figures[f"{what} {kind} ms"] = median(took)
            figures[f"{what} {kind} again / at first"] = sql(api, dataset, text)[0] / median(took)
    return figures, {f"{name} ms": took for name, took in rival.items()}


def diffs(api, server, dataset, folder, upload, python, rows, rounds):
    """Returns figures of row diffs, and those of pandas and daff."""
    run(python, "-c", MAKE_VERSIONS, rows, folder, timeout=1800)
    pandas = json.loads(run(python, "-c", PANDAS, folder, rounds, timeout=1800))
    daff = json.loads(run(python, "-c", DAFF, folder, timeout=1800))
    figures = {}
    for kind in ("Parquet", "CSV", "small CSV"):
        stem = "small-" if kind.startswith("small") else ""
        extension = kind.split()[-1].lower()
        for name in ("old", "new"):
            upload(folder / f"{stem}{name}.{extension}", f"{stem}diff.{extension}")
        begin, idle = time.monotonic(), memory([server.process.pid])
        with Peak([server.process.pid]) as peak:
            while True:
                found = api.call("GET", f"datasets/{dataset}/diff/rows?table={stem}diff.{extension}&key=id&limit=1")
                if "summary" in found:
                    break
        taken = (time.monotonic() - begin) * 1000
        summary = found["summary"]
        counts = [summary["added"], summary["removed"], summary["changed"]]
        if kind in pandas and counts != pandas[kind][1]:
            raise RuntimeError(f"{counts} instead of {pandas[kind][1]}")
        figures[f"diff of {kind} ms"] = taken
        if kind in pandas:
            figures[f"peak memory of a diff of {kind} above idle MiB"] = peak.mib - idle
    return figures, {f"diff of {kind} ms": took for kind, (took, _) in pandas.items()}, {"diff of small CSV ms": daff}
