"""Large tables: each request is answered or refused, a refusal says why, and the server and its engines stay within their
memory. Prints what each took.

`large_tables.py cells ROWS BYTES`: few rows with a large cell each
`large_tables.py tiny ROWS`: rows of two bytes
`large_tables.py revisions ROWS`: any two of three revisions of a table with ten columns; PROGRAM is `rutter`"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import pyarrow
import pyarrow.csv
import pyarrow.parquet
from table_server import Peaks, call, diff, put, query, request

DATASET = os.environ.get("DATASET", "ada/large")
# An engine has `tables.memory_bytes` for rows (by default 512 MiB), and as much for everything else.
ENGINE_MIB, SERVER_MIB, CLIENT_MIB = 1024, 64, 128
CHANGES = ("added", "removed", "changed")
# The memory of the server and an engine during each request.
together = []
# What a refusal may say.
REASONS = ["tables.", "less than", "longer than", "more than", "at most"]


def cells(folder, rows, size):
    """Writes tables with a number and a JSON value of some size in each row, and a second version that differs at the end."""
    values = "[" + ",".join(["1"] * (size // 2 - 1)) + "]"
    text = '{"text":"' + "x" * (size - 20) + '"}'
    for version in (1, 2):
        number = lambda row: row + (version - 1) * (row == rows - 1) * 1000
        place = folder / str(version)
        place.mkdir()
        with open(place / "list.jsonl", "w") as file:
            file.writelines(f'{{"id":{row},"n":{number(row)},"doc":{values}}}\n' for row in range(rows))
        with open(place / "object.jsonl", "w") as file:
            file.writelines(f'{{"id":{row},"n":{number(row)},"doc":{text}}}\n' for row in range(rows))
        with open(place / "cells.csv", "w") as file:
            file.write("id,n,doc\n")
            file.writelines(f'{row},{number(row)},"{values}"\n' for row in range(rows))
        columns = {"id": range(rows), "n": [number(row) for row in range(rows)]}
        for name, docs in [("text.parquet", pyarrow.array([values] * rows)),
                           ("list.parquet", pyarrow.array([[1] * (size // 2)] * rows, pyarrow.list_(pyarrow.int64())))]:
            pyarrow.parquet.write_table(pyarrow.table({**columns, "doc": docs}), place / name, row_group_size=50)
    return ["list.jsonl", "object.jsonl", "cells.csv", "text.parquet", "list.parquet"]


def tiny(folder, rows):
    """Writes tables of one digit in each row, and a second version that differs at the end."""
    for version in (1, 2):
        place = folder / str(version)
        place.mkdir()
        block, rest = b"1\n" * 500_000, rows % 500_000
        with open(place / "tiny.csv", "wb") as file, gzip.open(place / "tiny.csv.gz", "wb", 6) as packed:
            for target in (file, packed):
                target.write(b"n\n")
                for _ in range(rows // 500_000):
                    target.write(block)
                target.write(block[:2 * rest] + b"%d\n" % version)
        numbers = numpy.ones(rows // 20, numpy.int8)
        schema = pyarrow.schema([("n", pyarrow.int8())])
        with pyarrow.parquet.ParquetWriter(place / "tiny.parquet", schema, compression="zstd") as writer:
            for part in range(20):
                if part == 19:
                    numbers = numpy.append(numbers, numpy.int8(version))
                writer.write_table(pyarrow.table({"n": numbers}, schema), row_group_size=max(rows // 20, 1))
    return ["tiny.csv", "tiny.csv.gz", "tiny.parquet"]


def questions(table, rows, column):
    """Returns the requests for a table: name, method, path and body."""
    drive, dataset = f"drive/{DATASET}", f"datasets/{DATASET}"
    page = lambda **pairs: ("GET", f"{drive}/rows/{table}?{query(limit=100, **pairs)}", None)
    sql = lambda text: ("POST", "sql", {"query": text, "default": DATASET})
    return {
        "first rows": page(), "last rows": page(offset=rows - 1), "filter": page(where=f"{column} > 1"),
        "sort": page(sort=f"-{column}"), "statistics": ("GET", f"{drive}/statistics/{table}", None),
        "columns": ("POST", f"{dataset}/infer", {"path": table}),
        "describe": ("POST", f"{dataset}/describe", {"tables": [table], "dry_run": True}),
        "count": sql(f'SELECT count(*), max({column}) FROM "{table}"'),
        "all rows": sql(f'SELECT * FROM "{table}" ORDER BY {column} DESC'),
    }


def ask(table, name, send):
    """Sends a request, and prints what it took. Returns the status, the body, and failures."""
    with Peaks() as peaks:
        status, said = send()
    detail = json.loads(said).get("detail", "") if status != 200 else f"{len(said)} bytes"
    if name.startswith("diff") and status == 200:
        detail = {key: json.loads(said)["summary"][key] for key in ("from_rows", "to_rows", *CHANGES)}
    print(f"{table:14} {name:22} {status} {peaks.seconds:6.1f} s, engine {peaks.engine:5.0f} MiB, server "
          f"{peaks.server:+6.1f} MiB: {detail}", flush=True)
    failed = []
    if not (status == 200 or status in (413, 422) and any(reason in detail for reason in REASONS)):
        failed.append((table, name, status, detail))
    if peaks.engine > ENGINE_MIB or peaks.server > SERVER_MIB:
        failed.append((table, name, peaks.engine, peaks.server))
    together.append(peaks.highest + peaks.engine)
    return status, said, failed


def check(table, rows, back):
    """Sends all requests for a table, which differs from the one of some commits ago. Returns the failures."""
    failed = []
    for name, one in questions(table, rows, "n").items():
        failed += ask(table, name, lambda: request(*one))[2]
    versions = {"table": table, "from": f"HEAD~{back}", "limit": 10}
    failed += ask(table, "diff", lambda: diff(DATASET, **versions))[2]
    failed += ask(table, "diff by key", lambda: diff(DATASET, key="id" if "tiny" not in table else "n", **versions))[2]
    return failed


def upload(folder, names, versions):
    for version in versions:
        for name in names:
            with Peaks() as peaks:
                put(DATASET, name, Path(folder, version, name))
            print(f"{name:14} upload {peaks.seconds:6.1f} s, server {peaks.server:+6.1f} MiB", flush=True)


def large(make, total):
    """Checks tables of some kind. Returns the failures."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("FOLDER")) as folder:
        names = make(Path(folder))
        upload(folder, names, "12")
    return [failure for name in names for failure in check(name, total, len(names))]


def revision(rows, number):
    """Returns the table of a revision: one row in a thousand is gone, as many are new, and one in a hundred is changed, each
    time; in the fourth one, all are changed."""
    ids = numpy.arange(rows)
    value = numpy.random.default_rng(1).random(rows).round(6)
    for past in range(1, min(number, 3)):
        value[past::100] += 1
    if number == 4:
        value += 2
    kept = numpy.ones(rows, bool)
    for past in range(1, min(number, 3)):
        kept[past * 3::1000] = False
    more = numpy.arange(rows, rows + (min(number, 3) - 1) * (rows // 1000))
    ids, value = numpy.append(ids[kept], more), numpy.append(value[kept], more * 0.5 + (number == 4))
    day = (ids * 37 % 3650).astype("datetime64[D]")
    return pyarrow.table({
        "id": ids, "value": value, "count": ids * 7 % 1000, "kind": numpy.array([f"kind {n}" for n in range(50)])[ids % 50],
        "name": pyarrow.array(ids * 7919 % 1_000_003).cast(pyarrow.string()), "day": day, "even": ids % 2 == 0,
        "share": (ids % 997) / 997, "group": ids // 1000, "note": numpy.where(ids % 10 == 0, "a longer remark on this row", "")})


def revisions(rows):
    """Checks pages, statistics, queries and row diffs of revisions of a table. Returns the failures."""
    names, tables = ["table.csv", "table.parquet"], {number: revision(rows, number) for number in (1, 2, 3, 4)}
    counts = {number: table.num_rows for number, table in tables.items()}
    values = {number: dict(zip(table["id"].to_pylist(), table["value"].to_pylist())) for number, table in tables.items()}
    with tempfile.TemporaryDirectory(dir=os.environ.get("FOLDER")) as folder:
        for number, table in tables.items():
            Path(folder, str(number)).mkdir()
            pyarrow.csv.write_csv(table, Path(folder, str(number), "table.csv"))
            pyarrow.parquet.write_table(table, Path(folder, str(number), "table.parquet"), compression="zstd")
            upload(folder, names, str(number))
            call("POST", f"datasets/{DATASET}/tags", {"name": f"v{number}.0"})
    failed, drive = [], f"drive/{DATASET}"

    def same(what, found, expected):
        if found != expected:
            failed.append((what, found, expected))

    for table in names:
        def rows_of(name, **pairs):
            status, said, more = ask(table, name, lambda: request("GET", f"{drive}/rows/{table}?{query(limit=100, **pairs)}"))
            failed.extend(more)
            return json.loads(said)["rows"] if status == 200 else said

        ids = tables[4]["id"].to_pylist()
        for offset in (0, rows * 9 // 10, counts[4] - 100):
            same(f"{table} at {offset}", [row[0] for row in rows_of(f"rows at {offset}", offset=offset)], ids[offset:offset + 100])
        found = rows_of("filter", where="kind = 'kind 7' AND value > 0.5")
        same(f"{table} filter", {row[3] for row in found}, {"kind 7"})
        found = rows_of("sort", sort="-value,id")
        same(f"{table} sort", [row[1] for row in found], sorted(values[4].values(), reverse=True)[:100])
        old = json.loads(request("GET", f"{drive}/rows/{table}?{query(limit=1, offset=counts[1] - 1, revision='v1.0')}")[1])
        same(f"{table} at v1.0", old.get("rows", old)[0][0], rows - 1)
        failed += ask(table, "statistics", lambda: request("GET", f"{drive}/statistics/{table}"))[2]
        for name, text, expected in [
            ("SQL group", f'SELECT count(*) FROM (SELECT kind, avg(value), count(DISTINCT name) FROM "{table}" GROUP BY kind)', [[50]]),
            ("SQL join of revisions", f'SELECT count(*) FROM "{table}" a JOIN "{DATASET}@v1.0"."{table}" b USING (id) WHERE a.value <> b.value',
             [[sum(values[1].get(id, value) != value for id, value in values[4].items())]]),
            ("SQL order", f'SELECT id FROM "{table}" ORDER BY note, name DESC, id LIMIT 1', None),
            ("SQL row_diff", f"SELECT count(*) FROM row_diff('{DATASET}@v1.0', '{DATASET}@v3.0', '{table}', 'id')", None),
        ]:
            status, said, more = ask(table, name, lambda: request("POST", "sql", {"query": text, "default": DATASET}))
            failed += more
            if expected:
                same(f"{table} {name}", json.loads(said).get("rows"), expected)
        for old, new in [(1, 2), (2, 3), (3, 1), (3, 4)]:
            for key in ("id", None):
                pairs = {"table": table, "from": f"v{old}.0", "to": f"v{new}.0", "limit": 100} | ({"key": key} if key else {})
                status, said, more = ask(table, f"diff {old} {new} {key or ''}", lambda: diff(DATASET, **pairs))
                failed += more
                if status == 200:
                    before, after, summary = values[old], values[new], json.loads(said)["summary"]
                    common = before.keys() & after.keys()
                    changed = sum(before[id] != after[id] for id in common)
                    same(f"{table} diff {old} {new}", summary["unchanged"], len(common) - changed)
                    # Without a key, a new row at the place of a removed one is a changed one if they are similar.
                    if key:
                        expected = [len(after.keys() - before.keys()), len(before.keys() - after.keys()), changed]
                        same(f"{table} diff {old} {new}", [summary[change] for change in CHANGES], expected)
        if program := os.environ.get("PROGRAM"):
            for more in ([], ["--all"]):
                failed += command(table, [program, "diff", DATASET, "v1.0", "v3.0", table, "--key", "id", *more])
    return failed


def command(table, words):
    """Runs `rutter diff`. Returns the failures."""
    client = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={
        "RUTTER_SERVER": os.environ["SERVER"], "RUTTER_TOKEN": os.environ["TOKEN"], "HOME": "/nowhere", "NO_PROXY": "127.0.0.1"})
    with Peaks(client.pid) as peaks:
        lines = sum(1 for _ in client.stdout)
        error, status = client.stderr.read(), client.wait()
    print(f"{table:14} rutter {' '.join(words[1:])}: {peaks.seconds:.1f} s, {peaks.highest:.0f} MiB, {lines} lines", flush=True)
    return [(words, status, error, peaks.highest)] if status != 1 or not lines or peaks.highest > CLIENT_MIB else []


def main(kind, *numbers):
    call("POST", "datasets", {"id": DATASET, "visibility": "private"})
    if kind == "cells":
        failed = large(lambda folder: cells(folder, *numbers), numbers[0])
    elif kind == "tiny":
        failed = large(lambda folder: tiny(folder, *numbers), numbers[0] + 1)
    else:
        failed = revisions(*numbers)
        print(f"at most {max(together):.0f} MiB together")
        # What a small server has.
        assert max(together) < 1024, max(together)
    assert not failed, failed


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
