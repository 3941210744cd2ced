"""The table and the goals."""

import large
from revisions import KINDS

COLUMNS = ("rutter", "rudolfs", "giftless", "git", "borg", "metastore", "nginx", "oidc-provider",
           "configurable-http-proxy", "docker run", "DuckDB", "hash-wasm", "crypto.subtle", "machine")

# What is measured, in the order of the table; then the goal: the column and the figure compared with (None: the
# goal is the number itself), the number, and whether more or less is better.
ROWS = [
    ("batch 1 download req/s", "rudolfs", 1.0, "least"),
    ("batch 1 upload req/s", "rudolfs", 1.0, "least"),
    ("batch 1 download CPU ms", None, None, None),
    ("batch 1 upload CPU ms", None, None, None),
    ("batch 100 download req/s", "rudolfs", 4.0, "least"),
    ("batch 100 upload req/s", "rudolfs", 4.0, "least"),
    ("batch 100 download CPU ms", None, None, None),
    ("batch 100 upload CPU ms", None, None, None),
    ("PUT MiB/s", "rudolfs", 1.0, "least"),
    ("PUT CPU s/GiB", None, None, None),
    ("GET MiB/s", "nginx", 0.75, "least"),
    ("GET CPU s/GiB", None, 1.0, "most"),
    ("push {small} small s", None, None, None),
    ("push {small} small CPU s", None, None, None),
    ("pull {small} small s", None, None, None),
    ("pull {small} small CPU s", None, None, None),
    ("memory idle MiB", None, 30.0, "most"),
    ("memory at 64 PUT MiB", None, 64.0, "most"),
    ("memory at 64 GET MiB", None, 64.0, "most"),
    ("memory highest MiB", None, None, None),
    ("{large} PUT peak MiB", None, 100.0, "most"),
    ("{large} parts peak MiB", None, 100.0, "most"),
    ("{large} tus peak MiB", None, 100.0, "most"),
    ("git push s", None, None, None),
    ("git push CPU s", None, None, None),
    ("git clone s", "nginx", 1.3, "most"),
    ("git clone CPU s", None, None, None),
    ("gc mark s/million objects", None, 60.0, "most"),
    ("gc release s/million objects", None, 60.0, "most"),
    ("gc delete s/million objects", None, 60.0, "most"),
    ("gc peak MiB", None, 200.0, "most"),
    ("gc peak with git MiB", None, None, None),
    ("HTTP commit p50 ms", None, 10.0, "most"),
    ("HTTP commit p99 ms", None, 50.0, "most"),
    ("HTTP commit of 256 p50 ms", None, None, None),
    ("HTTP commit of 256 p99 ms", None, None, None),
    ("revisions page ms", "git", 0.1, "most"),
    ("tree page ms", "git", 0.1, "most"),
    ("typed diff ms", "git", 0.1, "most"),
    ("typed diff again ms", None, None, None),
    ("1000 tags ms", "git", 0.1, "most"),
    *((f"stored of {kind} %", None, None, None) for kind in KINDS),
    *((f"packing of {kind} MiB/s", None, None, None) for kind in KINDS),
    ("upload of 1 % changed MiB", None, None, None),
    ("upload of 1 % changed s", None, None, None),
    ("Xet upload MiB/s", "machine", 0.8, "least"),
    ("Xet checking MiB/s", None, None, None),
    ("Xet writing MiB/s", None, None, None),
    ("Xet upload CPU s/GiB", None, None, None),
    ("Xet upload peak above idle MiB", None, 64.0, "most"),
    ("GET of whole MiB/s", None, None, None),
    ("GET of packed MiB/s", None, None, None),
    ("GET of packed / whole", None, 0.7, "least"),
    ("search for a word ms", None, 50.0, "most"),
    ("search for two words ms", None, 50.0, "most"),
    ("search for a beginning ms", None, 50.0, "most"),
    ("search for a keyword ms", None, 50.0, "most"),
    ("search for all ms", None, 50.0, "most"),
    ("search p99 ms", None, None, None),
    ("first page of Parquet ms", None, None, None),
    ("far page of Parquet ms", None, None, None),
    ("far / first page of Parquet", None, 2.0, "most"),
    ("first page with a cold engine above a warm one ms", None, 60.0, "most"),
    ("filter of Parquet ms", None, None, None),
    ("filter of Parquet / DuckDB", None, 1.5, "most"),
    ("filter of Parquet again / at first", None, 0.05, "most"),
    ("filter of CSV ms", None, None, None),
    ("filter of CSV / DuckDB", None, 3.0, "most"),
    ("filter of CSV again / at first", None, 0.05, "most"),
    ("statistics of Parquet ms", None, None, None),
    ("statistics of Parquet / DuckDB", None, None, None),
    ("statistics of Parquet Mrows/s", None, None, None),
    ("statistics of CSV ms", None, None, None),
    ("statistics of CSV / DuckDB", None, None, None),
    ("statistics of CSV Mrows/s", None, None, None),
    ("group Parquet ms", "DuckDB", 1.5, "most"),
    ("group CSV ms", "DuckDB", 3.0, "most"),
    ("join Parquet ms", "DuckDB", 1.5, "most"),
    ("join CSV ms", "DuckDB", 3.0, "most"),
    ("group Parquet again / at first", None, 0.05, "most"),
    ("join Parquet again / at first", None, 0.05, "most"),
    ("diff of Parquet ms", "pandas", 0.5, "most"),
    ("diff of CSV ms", "pandas", 0.5, "most"),
    ("diff of small CSV ms", "daff", 0.05, "most"),
    ("peak memory of a diff of Parquet above idle MiB", None, 336.0, "most"),
    ("peak memory of a diff of CSV above idle MiB", None, 336.0, "most"),
    ("Flight DoGet Mrows/s", "pyarrow", 0.8, "least"),
    ("bytes read from a bucket for 2 of 20 columns MiB", "DuckDB", 1.2, "most"),
    ("memory after tables above idle MiB", None, 4.0, "most"),
    ("code to tokens/s", "oidc-provider", 3.0, "least"),
    ("code to tokens CPU ms", None, None, None),
    ("RSA-2048 signatures/s", None, None, None),
    ("code to tokens / RSA-2048 signatures", None, 0.7, "least"),
    ("refresh/s", None, None, None),
    ("refresh CPU ms", None, None, None),
    ("one-row transactions/s", None, None, None),
    ("refresh / one-row transactions", None, 0.8, "least"),
    ("API by an application req/s", None, None, None),
    ("API by an application CPU ms", None, None, None),
    ("API by personal token req/s", None, None, None),
    ("API by personal token CPU ms", None, None, None),
    ("API by an application / personal token", None, 0.9, "least"),
    ("introspection p50 ms", None, 1.0, "most"),
    ("introspection req/s", None, None, None),
    ("userinfo p50 ms", None, 1.0, "most"),
    ("userinfo req/s", None, None, None),
    ("discovery p50 ms", None, None, None),
    ("discovery req/s", None, None, None),
    ("JWKS p50 ms", None, None, None),
    ("JWKS req/s", None, None, None),
    ("app 1 KiB req/s", None, None, None),
    ("app 1 KiB CPU ms", None, None, None),
    ("app 1 KiB / nginx", None, 0.8, "least"),
    ("app 1 KiB / configurable-http-proxy", None, 4.0, "least"),
    ("app 1 KiB p50 ms", None, None, None),
    ("app 1 KiB p50 above direct ms", None, 0.3, "most"),
    ("app 1 KiB with cookie req/s", None, None, None),
    ("app 1 KiB with cookie CPU ms", None, None, None),
    ("app 1 KiB with cookie / nginx", None, 0.8, "least"),
    ("app 1 KiB with cookie / configurable-http-proxy", None, 4.0, "least"),
    ("app 1 KiB with cookie p50 above direct ms", None, 0.3, "most"),
    *(row for name in ("download", "upload") for row in (
        (f"app {name} MiB/s", None, None, None),
        (f"app {name} / nginx", None, 0.8, "least"),
        (f"app {name} CPU s/GiB", None, None, None),
        (f"app {name} growth MiB", None, 4.0, "most"))),
    ("WebSocket echo p50 ms", None, None, None),
    ("WebSocket echo above direct ms", None, 0.2, "most"),
    ("WebSocket memory KiB", None, 64.0, "most"),
    ("1,000 idle WebSockets CPU %", None, 1.0, "most"),
    ("reconcile of 1,000 apps CPU ms", None, 100.0, "most"),
    ("reconcile of 1,000 apps, with Docker, CPU ms", None, 100.0, "most"),
    ("10,000 stopped apps MiB", None, 10.0, "most"),
    ("10,000 stopped apps, each found, MiB", None, None, None),
    ("app start ms", None, None, None),
    ("app start above docker run ms", None, 1500.0, "most"),
    ("app start with volume ms", None, None, None),
    ("app start with volume above docker run ms", None, None, None),
    ("app unpause ms", None, 300.0, "most"),
    ("browser sha256 MB/s", "hash-wasm", 1.0, "least"),
    ("browser hash of one file MB/s", None, 400.0, "least"),
    ("browser hash of 64 files MB/s", None, 400.0, "least"),
    ("browser upload of 1,000 files/s", None, 100.0, "least"),
    ("browser upload server CPU ms/file", None, None, None),
    ("browser upload browser CPU ms/file", None, None, None),
    ("browser page of 10,000 files ms", None, 1000.0, "most"),
    ("browser page of 10,000 files at first ms", None, None, None),
    ("browser scroll of 10,000 files frames/s", None, 50.0, "least"),
    ("browser sort of 10,000 files ms", None, 300.0, "most"),
    ("browser select all of 10,000 files ms", None, 300.0, "most"),
    ("browser page with 10 GB MB", None, 200.0, "most"),
    ("browser page with nothing MB", None, None, None),
    ("browser upload of 10 GB s", None, None, None),
    ("S3 batch 1 download req/s", None, None, None),
    ("S3 batch 1 upload req/s", None, None, None),
    ("S3 batch 100 download CPU ms", None, 10.0, "most"),
    ("S3 batch 100 upload CPU ms", None, 10.0, "most"),
    ("S3 big PUT CPU ms/GiB", None, 5.0, "most"),
    ("S3 16 MiB PUT CPU ms/GiB", None, None, None),
    ("S3 {large} parts peak MiB", None, 100.0, "most"),
    ("S3 {large} tus peak MiB", None, 100.0, "most"),
    ("S3 batch 100 upload req/s by 1", None, None, None),
    ("S3 batch 100 upload req/s by 3", None, None, None),
    ("S3 clones/s by 1", None, None, None),
    ("S3 clones/s by 3", None, None, None),
    ("S3 first clone s", None, None, None),
    ("S3 first clone more s", None, 2.0, "most"),
    ("sha256 MiB/s", None, None, None),
]


def number(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def goal(figures, name, against, bound, side):
    """The words of a goal and whether it is met; (ratio text, None) where nothing can be compared."""
    ours = figures.get("rutter", {}).get(name)
    if ours is None or bound is None:
        return "", None
    words = "≥" if side == "least" else "≤"
    if against is None:
        value, said = ours, f"{words} {bound:g}"
    else:
        theirs = figures.get(against, {}).get(name)
        if not theirs:
            return f"({against} not measured)", None
        value, said = ours / theirs, f"{ours / theirs:.2f} × {against}, goal {words} {bound:g}"
    met = value >= bound if side == "least" else value <= bound
    return f"{said}: {'met' if met else 'MISSED'}", met


def table(figures, plan):
    """The text, and the goals by name for the JSON file."""
    rows, goals = [], {}
    columns = [name for name in COLUMNS if name in figures]
    for name, *rule in ROWS:
        name = name.format(small=plan.small, large=large.named(plan.large))
        if not any(name in figures[column] for column in columns):
            continue
        words, met = goal(figures, name, *rule)
        if met is not None:
            goals[name] = {"said": words, "met": met}
        ours = figures.get("rutter", {}).get(name)
        cells = [name]
        for column in columns:
            value = figures[column].get(name)
            ratio = f" ({ours / value:.2f}×)" if ours is not None and value and column != "rutter" else ""
            cells.append(number(value) + ratio)
        rows.append([*cells, words])
    head = ["", *columns, "goal"]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1])]
        lines.append(("  ".join(cells) + "  " + row[-1]).rstrip())
    lines.append("In brackets: rutter's figure divided by this one. nginx serves static files, and git through http-backend."
                 " borg keeps every version as an archive.")
    return "\n".join(lines), goals
