"""Damages tables and reads them: `damaged_tables.py MUTATIONS`, of each sample. Every response is rows or a refusal, and the
server takes no more memory. PROCESS is the id of the server."""

import base64
import io
import json
import os
import random
import sys
import zlib

import pyarrow
import pyarrow.feather
import pyarrow.parquet
from table_server import call, memory, request

DATASET = os.environ.get("DATASET", "ada/damaged")
# Files of one commit of each format: few commits, because the server keeps their lists of files in caches for a while. After WARM
# of the mutations, it has allocated what it keeps.
BATCH, WARM = 250, 0.1


def samples():
    """Returns small files of each format."""
    ids = range(100)
    table = pyarrow.table({"id": ids, "name": [f"n{id}" if id % 3 else None for id in ids], "list": [[id, 1] for id in ids],
                           "seen": pyarrow.array([id * 86_400 for id in ids], pyarrow.timestamp("s", "UTC")),
                           "kind": pyarrow.array(["a" if id % 2 else "b" for id in ids]).dictionary_encode()})
    csv = b"id,name,square\n" + b"".join(b'%d,"n %d",%d.5\n' % (id, id, id * id) for id in ids)
    lines = "".join(json.dumps({"id": id, "tags": [1, {"a": None}], "x": "é"}, ensure_ascii=False) + "\n" for id in ids)
    parquet, arrow = io.BytesIO(), io.BytesIO()
    pyarrow.parquet.write_table(table, parquet, row_group_size=30, compression="snappy", write_page_index=True)
    pyarrow.feather.write_feather(table, arrow, compression="lz4", chunksize=30)
    return {"parquet": parquet.getvalue(), "arrow": arrow.getvalue(), "csv": csv, "jsonl": lines.encode(),
            "csv.gz": gzip(csv)}


def gzip(content):
    """Compresses a file."""
    packer = zlib.compressobj(wbits=31)
    return packer.compress(content) + packer.flush()


def mutated(sample, source):
    """Returns a copy with some bytes changed, inserted or removed, many of them at the end, where footers are."""
    content = bytearray(sample)
    for _ in range(source.choice([1, 1, 2, 5])):
        first = max(0, len(content) - 2000) if source.random() < 0.3 else 0
        place, kind = source.randrange(first, len(content)), source.randrange(10)
        if kind < 4:
            content[place] = source.randrange(256)
        elif kind < 7:
            content[place] ^= 1 << source.randrange(8)
        elif kind == 7:
            content.insert(place, source.randrange(256))
        elif kind == 8:
            # Lengths and counts.
            content[place:place + 4] = source.choice([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\0\0\0\x80"])
        else:
            del content[place:place + source.choice([1, 1, 1, 8, 1000])]
        content = content or bytearray(b"\0")
    return bytes(content)


def damaged(extension, sample, source):
    """Returns a damaged copy: of compressed text, half of the time before it is compressed."""
    # Otherwise the checksum is nearly always wrong.
    if extension == "csv.gz" and source.random() < 0.5:
        return gzip(mutated(zlib.decompress(sample, 31), source))
    return mutated(sample, source)


def server_memory():
    """Returns the memory of the server in MiB, without the parts of its program and of packs that were read so far."""
    return memory(os.environ["PROCESS"], "RssAnon")


def main(mutations):
    call("POST", "datasets", {"id": DATASET, "visibility": "private"})
    before, done, total, counts = None, 0, 5 * mutations, {}
    for first in range(0, mutations, BATCH):
        for extension, sample in samples().items():
            source = random.Random(f"{extension} {first}")
            names = [f"{number}.{extension}" for number in range(min(BATCH, mutations - first))]
            # The first file is not damaged.
            contents = [damaged(extension, sample, source) if first + number else sample for number in range(len(names))]
            operations = [{"operation": "put", "path": name, "content_base64": base64.b64encode(content).decode()}
                          for name, content in zip(names, contents)]
            call("POST", f"datasets/{DATASET}/commits", {"branch": "main", "message": "Damage", "operations": operations})
            for number, name in enumerate(names):
                for question in [f"rows/{name}?offset=1", f"rows/{name}?sort=id", f"statistics/{name}"]:
                    status, said = request("GET", f"drive/{DATASET}/{question}")
                    assert status == 200 or status == 422 and first + number, (first, question, status, said[:1000])
                    outcome = "ended" if b"the table engine broke off" in said else status
                    counts[extension, outcome] = counts.get((extension, outcome), 0) + 1
            done += len(names)
            if before is None and done >= total * WARM:
                before = server_memory()
        if first % 1000 == 0:
            print(f"{done} of {total}: the server has {server_memory():.1f} MiB; {counts}", flush=True)
    grown = server_memory() - before
    print(f"{total} mutations: {grown:+.1f} MiB; {counts}")
    # Something is wrong with the samples if all of them, or none, are readable.
    assert all(counts.get((extension, status)) for extension in samples() for status in (200, 422)), counts
    # A new server grows for some thousand requests.
    assert grown < (16 if total * WARM >= 5000 else 40), grown


if __name__ == "__main__":
    main(int(sys.argv[1]))
