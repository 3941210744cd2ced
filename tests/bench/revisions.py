"""Revisions of one file, as programs write them, always the same ones: `revisions.py KIND FILE BYTES COUNT` writes the
next one for each line that it reads. CSV and JSON Lines grow from half of that size to all of it; the others keep theirs."""

import itertools
import json
import random
import sqlite3
import struct
import sys
from contextlib import closing
from pathlib import Path

SOURCE = random.Random("revisions")
# The places of changes in one revision.
CHANGES = 10
WORDS = "station plot sample north south upper lower control blend batch winter summer".split()


def row(number):
    return f"{number},{SOURCE.choice(WORDS)},{SOURCE.gauss(15, 8):.3f},{SOURCE.randrange(100_000)}\n"


def line(number):
    return json.dumps({"id": number, "site": SOURCE.choice(WORDS), "value": SOURCE.gauss(15, 8)}) + "\n"


def growth(make, size, count):
    """The rows that each revision adds."""
    written, numbers = 0, itertools.count()
    for revision in range(count):
        rows = []
        while written < size * (count + revision) // (2 * count - 1):
            rows.append(make(next(numbers)))
            written += len(rows[-1])
        yield rows


def csv(path, size, count):
    """Rows are added at the end, and some older ones corrected."""
    rows = []
    for more in growth(row, size, count):
        for _ in range(CHANGES if rows else 0):
            number = SOURCE.randrange(len(rows))
            rows[number] = row(number)
        rows += more
        path.write_text("".join(rows))
        yield


def jsonl(path, size, count):
    """Lines are added at the end."""
    for more in growth(line, size, count):
        with path.open("a") as file:
            file.writelines(more)
        yield


def sqlite(path, size, count):
    """Some rows are changed in their places, and their index with them."""
    record = lambda: (SOURCE.choice(WORDS), SOURCE.random(), SOURCE.randbytes(64))
    with closing(sqlite3.connect(path)) as tables:
        tables.execute("CREATE TABLE sample (id INTEGER PRIMARY KEY, name TEXT, value REAL, data BLOB)")
        tables.execute("CREATE INDEX sample_value ON sample (value)")
        rows = size // 120
        tables.executemany("INSERT INTO sample (name, value, data) VALUES (?, ?, ?)", (record() for _ in range(rows)))
        for _ in range(count):
            tables.commit()
            yield
            tables.executemany("UPDATE sample SET name = ?, value = ?, data = ? WHERE id = ?",
                               ((*record(), SOURCE.randint(1, rows)) for _ in range(CHANGES)))


def parquet(path, size, count, **options):
    """A hundred rows are inserted at one place, and some values corrected elsewhere."""
    import numpy
    import pyarrow
    from pyarrow.parquet import write_table

    source = numpy.random.default_rng(1)

    def rows(number):
        return pyarrow.table({"time": numpy.arange(number) * 60, "name": source.choice(WORDS, number),
                              "value": source.normal(15, 8, number), "other": source.random(number)})

    table = rows(size // 22)
    for _ in range(count):
        write_table(table, path, compression="snappy", **options)
        yield
        at = int(source.integers(len(table)))
        table = pyarrow.concat_tables([table[:at], rows(100), table[at:]])
        values = table["value"].to_numpy().copy()
        values[source.integers(len(values), size=CHANGES)] = 0
        table = table.set_column(2, "value", pyarrow.array(values)).combine_chunks()


def parquet_cdc(path, size, count):
    yield from parquet(path, size, count, use_content_defined_chunking=True)


def safetensors(path, size, count):
    """A twentieth of the weights is trained further."""
    import numpy

    source, each = numpy.random.default_rng(1), size // 40
    tensor = lambda: source.normal(0, 0.02, each // 2).astype(numpy.float16).tobytes()
    tensors = [tensor() for _ in range(40)]
    head = json.dumps({f"layer.{number}": {"dtype": "F16", "shape": [each // 2],
                                           "data_offsets": [number * each, (number + 1) * each]}
                       for number in range(40)}).encode()
    for _ in range(count):
        path.write_bytes(b"".join([struct.pack("<Q", len(head)), head, *tensors]))
        yield
        for number in source.choice(40, 2, replace=False):
            tensors[number] = tensor()


KINDS = {"CSV": csv, "JSON Lines": jsonl, "SQLite": sqlite, "Parquet": parquet, "Parquet, CDC": parquet_cdc,
         "safetensors": safetensors}

if __name__ == "__main__":
    kind, path, size, count = sys.argv[1:]
    for _ in KINDS[kind](Path(path), int(size), int(count)):
        print(flush=True)
        sys.stdin.readline()
