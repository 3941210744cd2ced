"""Physical bounds of the machine: what no server can beat."""

import os
import re
import time

from loads import curl, random_file
from machine import MIB, median, run
from servers import find


def hashing(plan):
    """MiB/s of SHA-256 on 16 KiB blocks, one core."""
    said = run(find("openssl"), "speed", "-seconds", "1" if plan.rounds == 1 else "3", "-bytes", "16384", "-evp", "sha256")
    thousands = float(re.search(r"sha256\s+([\d.]+)k", said, re.IGNORECASE)[1])
    return {"sha256 MiB/s": thousands * 1000 / MIB}


def writing(plan):
    """MiB/s of dd with one fsync at the end."""
    rates = []
    for _ in range(plan.rounds):
        target = plan.work / "dd"
        os.sync()
        begin = time.monotonic()
        run("dd", f"if={random_file(plan.big, 0)[0]}", f"of={target}", "bs=1M", "conv=fsync", "status=none")
        rates.append(plan.big / MIB / (time.monotonic() - begin))
        target.unlink()
    return {"PUT MiB/s": median(rates)}


def static(server, plan):
    """nginx with sendfile: GET of the big file."""
    path, _ = random_file(plan.big, 0)
    (server.files / "big").symlink_to(path)
    times = [curl(server, f"{server.root}/files/big", {}, plan.big) for _ in range(plan.rounds)]
    return {"GET MiB/s": plan.big / MIB / median(t for t, _ in times),
            "GET CPU s/GiB": median(c for _, c in times) * 1024 * MIB / plan.big}
