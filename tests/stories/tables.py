"""Queries, rows and row diffs of the fixtures: pandas and pyarrow read them in every format, DuckDB runs the same queries on
the files, and daff applies the diffs."""

import csv
import decimal
import io
import json
import math
import os
import pathlib
import random
import subprocess
import sys

import duckdb
import pandas
import pyarrow
import pyarrow.parquet
import requests

SERVER, FIXTURES = os.environ["SERVER"], pathlib.Path(os.environ["FIXTURES"])
HERE = pathlib.Path.cwd()
ada, ben = requests.Session(), requests.Session()
ada.headers["Authorization"] = f"Bearer {os.environ['TOKEN']}"
ben.headers["Authorization"] = f"Bearer {os.environ['OTHER_TOKEN']}"


def call(method, path, who=ada, status=(200, 201, 204), **more):
    response = who.request(method, f"{SERVER}/api/v1/{path}", timeout=120, **more)
    assert response.status_code in status, (method, path, response.status_code, response.text[:1000])
    return response


def put(dataset, path, content):
    call("PUT", f"drive/{dataset}/files/{path}", data=content)
    local = HERE / dataset / path
    local.parent.mkdir(parents=True, exist_ok=True)
    local.write_bytes(content)


def make_datasets():
    """Makes ada/air and ada/trade with two versions each; the files of the older one are kept here as v1/…"""
    for dataset, fixture in [("ada/air", "air-quality"), ("ada/trade", "trade-prices")]:
        call("POST", "datasets", json={"id": dataset, "visibility": "private"})
        for file in sorted(path for path in (FIXTURES / fixture).rglob("*") if path.is_file()):
            if file.suffix in (".csv", ".parquet", ".jsonl"):
                put(dataset, file.relative_to(FIXTURES / fixture).as_posix(), file.read_bytes())
        (HERE / dataset).rename(HERE / f"{dataset}-v1")
        (HERE / dataset).mkdir()
        for file in (HERE / f"{dataset}-v1").rglob("*"):
            if file.is_file():
                target = HERE / dataset / file.relative_to(HERE / f"{dataset}-v1")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
        call("POST", f"datasets/{dataset}/tags", json={"name": "v1.0"})
    # A station is new, one is renamed, one is gone; the first prices are corrected.
    rows = list(csv.reader((HERE / "ada/air/stations.csv").open(newline="")))
    rows[1][1] += " (north)"
    rows[2:3] = []
    rows.append(["AQ99", "New Quay", "53.5", "10.0", "3", "suburban"])
    put("ada/air", "stations.csv", written(rows))
    rows = list(csv.reader((HERE / "ada/trade/prices.csv").open(newline="")))
    for row in rows[1:40:3]:
        row[4] = str(round(float(row[4]) * 1.1, 3))
    put("ada/trade", "prices.csv", written(rows[:2000] + rows[2010:]))


def written(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


# {name} is a table: of ada/air or ada/trade, at main, or with _v1 at v1.0.
TABLES = {
    "readings": ("ada/air", "data/readings.csv"),
    "parquet": ("ada/air", "data/readings.parquet"),
    "stations": ("ada/air", "stations.csv"),
    "prices": ("ada/trade", "prices.csv"),
    "lines": ("ada/trade", "prices.jsonl"),
}
QUERIES = [
    "SELECT count(*) FROM {readings}",
    "SELECT * FROM {stations} ORDER BY station",
    "SELECT station, count(*) AS n, avg(no2) AS mean FROM {readings} GROUP BY station ORDER BY station",
    "SELECT station, min(temperature), max(temperature) FROM {parquet} GROUP BY station ORDER BY 1",
    "SELECT count(*), count(o3), sum(pm10) FROM {parquet} WHERE wind > 4.5 AND station <> 'AQ01'",
    "SELECT name, avg(pm25) AS pm25 FROM {parquet} r JOIN {stations} s ON r.station = s.station GROUP BY name ORDER BY name",
    "SELECT s.station, r.station AS before FROM {stations} s LEFT JOIN {stations_v1} r ON s.station = r.station ORDER BY 1",
    "SELECT station, name FROM {stations} EXCEPT SELECT station, name FROM {stations_v1} ORDER BY 1",
    "SELECT station FROM {stations} INTERSECT SELECT station FROM {stations_v1} ORDER BY 1",
    "SELECT good, max(price) FROM {prices} GROUP BY good HAVING max(price) > 3 ORDER BY good",
    "SELECT a.month, a.good, a.price, b.price AS before FROM {prices} a JOIN {prices_v1} b"
    " ON a.month = b.month AND a.good = b.good WHERE a.price <> b.price ORDER BY 1, 2",
    "SELECT count(*) FROM {prices_v1} o WHERE NOT EXISTS"
    " (SELECT 1 FROM {prices} n WHERE n.month = o.month AND n.good = o.good)",
    "SELECT good, month, price, lag(price) OVER (PARTITION BY good ORDER BY month) AS last FROM {prices}"
    " WHERE month < '1980-06' ORDER BY good, month",
    "SELECT * FROM (SELECT good, month, row_number() OVER (PARTITION BY good ORDER BY price DESC, month) AS place"
    " FROM {prices}) ranked WHERE place <= 2 ORDER BY good, place",
    "WITH high AS (SELECT good, avg(price) AS mean FROM {prices} GROUP BY good)"
    " SELECT p.good, count(*) FROM {prices} p JOIN high h ON p.good = h.good WHERE p.price > h.mean GROUP BY p.good ORDER BY 1",
    "SELECT good, sum(CASE WHEN revised THEN 1 ELSE 0 END) AS revised FROM {prices} GROUP BY good ORDER BY good",
    "SELECT upper(name) AS name, length(unit) AS n FROM {prices} WHERE name LIKE '%,%' GROUP BY 1, 2 ORDER BY 1",
    "SELECT DISTINCT unit FROM {prices} ORDER BY unit",
    "SELECT substr(month, 1, 4) AS year, avg(price) AS mean FROM {prices} WHERE good = 'cocoa' GROUP BY 1 ORDER BY 1",
    "SELECT volume_t / 1000.0 AS kt FROM {prices} ORDER BY volume_t DESC, month LIMIT 7 OFFSET 3",
    "SELECT good, price FROM {prices} WHERE price IN (SELECT max(price) FROM {prices} GROUP BY good) ORDER BY good, month",
    "SELECT coalesce(o3, -1) AS o3, count(*) FROM {readings} WHERE temperature BETWEEN -5 AND -4 GROUP BY 1 ORDER BY 1",
    "SELECT date_trunc('month', time) AS month, count(*) FROM {parquet} GROUP BY 1 ORDER BY 1",
    "SELECT station, extract(month FROM time) AS month, avg(temperature) FROM {parquet} GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT stddev(price), corr(price, volume_t) FROM {prices}",
    "SELECT 'csv' AS what, count(*) FROM {readings} UNION ALL SELECT 'parquet', count(*) FROM {parquet} ORDER BY 1",
    "SELECT count(*) FROM {lines} WHERE good = 'coffee' AND NOT revised",
    "SELECT l.good, l.price FROM {lines} l JOIN {prices_v1} p ON l.month = p.month AND l.good = p.good"
    " WHERE l.month = '1990-01' ORDER BY 1",
    # Two datasets.
    "SELECT s.setting, count(*) FROM {stations} s CROSS JOIN (SELECT DISTINCT good FROM {prices}) g GROUP BY 1 ORDER BY 1",
    "SELECT count(*) FROM {readings} a JOIN {parquet} b ON a.time = b.time AND a.station = b.station AND a.no2 = b.no2",
    "SELECT station FROM {stations} WHERE altitude = (SELECT max(altitude) FROM {stations})",
]


def query(text, form="json", who=ada, status=(200,), **more):
    body = {"query": text, "format": form, **more}
    return call("POST", "sql", who, status, json=body)


def frame_of(response, form):
    content = response.content
    if form == "json":
        document = response.json()
        return pandas.DataFrame(document["rows"], columns=[field["name"] for field in document["fields"]], dtype=object)
    if form == "csv":
        return pandas.read_csv(io.BytesIO(content))
    if form == "parquet":
        return pandas.read_parquet(io.BytesIO(content))
    return pyarrow.ipc.open_stream(content).read_all().to_pandas()


def plain(value):
    """A value that does not depend on how a format or a library represents it."""
    if value is None or value is pandas.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, (bool,)) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    if isinstance(value, (int, float, decimal.Decimal)) or type(value).__module__ == "numpy":
        try:
            return float(f"{float(value):.9g}")
        except (TypeError, ValueError):
            value = pandas.Timestamp(value)
    if hasattr(value, "isoformat"):
        value = pandas.Timestamp(value)
        value = value.tz_convert(None) if value.tzinfo else value
        return value.isoformat()
    text = str(value)
    if len(text) >= 19 and text[4] == "-" and text[10] in "T ":
        return plain(pandas.Timestamp(text))
    return text


def rows_of(frame):
    return [tuple(plain(value) for value in row) for row in frame.itertuples(index=False, name=None)]


def local(name):
    dataset, path = TABLES[name.removesuffix("_v1")]
    file = HERE / (f"{dataset}-v1" if name.endswith("_v1") else dataset) / path
    return f"'{file}'"


def remote(name):
    dataset, path = TABLES[name.removesuffix("_v1")]
    return f'"{dataset}@{"v1.0" if name.endswith("_v1") else "main"}"."{path}"'


class Names(dict):
    def __init__(self, find):
        self.find = find

    def __missing__(self, name):
        return self.find(name)


def queries():
    duckdb.execute("SET TimeZone = 'UTC'")
    for number, template in enumerate(QUERIES):
        expected = rows_of(duckdb.sql(template.format_map(Names(local))).df())
        text = template.format_map(Names(remote))
        forms = ["json", "csv", "parquet", "arrow"] if number < 8 else [["json", "csv", "parquet", "arrow"][number % 4]]
        for form in forms:
            response = query(text, form)
            found = rows_of(frame_of(response, form))
            assert found == expected, (template, form, found[:3], expected[:3], len(found), len(expected))
            assert "ada/" in response.headers["Rutter-Sources"], response.headers
        # The normal form has the same result.
        document = query(text).json()
        again = query(document["canonical"]).json()
        assert (again["rows"], again["canonical"]) == (document["rows"], document["canonical"]), text
        commits = {source["commit"] for source in document["sources"]}
        assert all(commit in document["canonical"] for commit in commits), document


def query_options():
    text = 'SELECT good, price FROM "prices.csv" WHERE good = $1 AND price > $2 ORDER BY month LIMIT 3'
    rows = query(text, default="ada/trade@v1.0", parameters=["cocoa", 2]).json()["rows"]
    assert len(rows) == 3 and {row[0] for row in rows} == {"cocoa"} and min(row[1] for row in rows) > 2, rows
    named = query('SELECT count(*) FROM "prices.csv" WHERE month >= $from', default="ada/trade", parameters={"from": "2000-01"})
    assert named.json()["rows"][0][0] > 0
    page = query('SELECT * FROM "prices.csv"', default="ada/trade", limit=5).json()
    assert (len(page["rows"]), page["more"]) == (5, True), page
    # Arrow and Parquet files name what they were computed from.
    table = pyarrow.parquet.read_table(io.BytesIO(query('SELECT 1 AS one FROM "stations.csv"', "parquet", default="ada/air").content))
    sources = json.loads(table.schema.metadata[b"rutter.sources"])
    assert len(sources) == 1 and sources[0].startswith("ada/air@") and sources[0].endswith("/stations.csv"), sources
    # A saved query, at the revision that it was saved in.
    put("ada/trade", "queries/goods.sql", b"-- All goods\nSELECT DISTINCT good FROM \"prices.csv\" ORDER BY good\n")
    body = {"saved": "queries/goods.sql", "default": "ada/trade"}
    saved = call("POST", "sql", json=body).json()
    assert saved["rows"][0] == ["cocoa"], saved
    call("POST", "sql", status=(404,), json=body | {"default": "ada/trade@v1.0"})
    # Other users see nothing of it, whatever else is in the query.
    for text in ['SELECT * FROM "ada/air"."stations.csv"', 'SELECT * FROM "ada/air"."stations.csv", "ada/zero"."x.csv"']:
        refused = query(text, who=ben, status=(404,)).json()["detail"]
        missing = query(text.replace("ada/air", "ada/nowhere"), who=ben, status=(404,)).json()["detail"]
        assert refused == missing.replace("ada/nowhere", "ada/air"), (refused, missing)


def diffs():
    url = "datasets/ada/trade/diff/rows?from=v1.0&to=main&table=prices.csv&key=month,good"
    document = call("GET", url).json()
    old = pandas.read_csv(HERE / "ada/trade-v1/prices.csv").set_index(["month", "good"])
    new = pandas.read_csv(HERE / "ada/trade/prices.csv").set_index(["month", "good"])
    both = old.index.intersection(new.index)
    changed = int((old.loc[both] != new.loc[both]).any(axis=1).sum())
    summary = document["summary"]
    assert (summary["added"], summary["removed"], summary["changed"]) == (0, len(old) - len(both), changed), summary
    assert (summary["from_rows"], summary["to_rows"], summary["unchanged"]) == (len(old), len(new), len(both) - changed)
    assert {c["name"]: c["changed_cells"] for c in summary["columns"] if c["changed_cells"]} == {"price": changed}
    for form in ["csv", "parquet", "arrow"]:
        frame = frame_of(call("GET", f"{url}&format={form}"), form)
        assert (frame["change"] == "changed").sum() == changed and len(frame) == document["total"], form
    removed = call("GET", f"{url}&change=removed").json()
    assert removed["total"] == len(removed["rows"]) == summary["removed"], removed["total"]
    # As a table, and without a key.
    counted = query("SELECT change, count(*) FROM row_diff('ada/trade@v1.0', 'ada/trade@main', 'prices.csv', 'month,good')"
                    " GROUP BY change ORDER BY change").json()["rows"]
    assert counted == [["changed", changed], ["removed", summary["removed"]]], counted
    keyless = call("GET", url.replace("&key=month,good", "")).json()["summary"]
    assert (keyless["removed"], keyless["changed"]) == (summary["removed"], changed), keyless


def patch(old, diff):
    """Applies a diff to a table with daff, both as CSV."""
    files = [HERE / name for name in ("old.csv", "diff.csv", "patched.csv")]
    files[0].write_text(old, newline="")
    files[1].write_text(diff, newline="")
    program = pathlib.Path(sys.executable).with_name("daff")
    subprocess.run([sys.executable, program, "patch", "--output", files[2], *files[:2]], check=True, stdout=subprocess.DEVNULL)
    return list(csv.reader(files[2].open(newline="")))


def patches():
    for dataset, path, key in [("ada/trade", "prices.csv", "month,good"), ("ada/trade", "prices.csv", ""), ("ada/air", "stations.csv", "station")]:
        diff = call("GET", f"datasets/{dataset}/diff/rows?from=v1.0&to=main&table={path}&format=daff&key={key}").text
        new = list(csv.reader((HERE / dataset / path).open(newline="")))
        assert patch((HERE / f"{dataset}-v1" / path).read_text(), diff) == new, (path, diff[:2000])
    # Tables with few different cells, so that rows look alike.
    call("POST", "datasets", json={"id": "ada/random", "visibility": "private"})
    choose = random.Random(7)
    for number in range(20):
        key = choose.random() < 0.5
        def row(name):
            return [name, *(choose.choice(["", "a", "b->c", 'say "x"', "1.50", "NULL", "two\nlines"]) for _ in range(3))]
        old = [["id", "x", "y", "z"], *(row(f"r{id}") for id in range(choose.randint(1, 12)))]
        new = [old[0]]
        for one in old[1:]:
            if choose.random() < 0.8:
                new.append([one[0], *row("")[1:]] if key and choose.random() < 0.3 else one)
            if choose.random() < 0.2:
                new.append(row(f"n{len(new)}"))
        put("ada/random", "t.csv", written(old))
        put("ada/random", "t.csv", written(new)) if new != old else None
        url = f"datasets/ada/random/diff/rows?table=t.csv&format=daff&key={'id' if key else ''}"
        diff = call("GET", url + ("&from=HEAD" if new == old else "")).text
        assert patch(written(old).decode(), diff) == new, (number, old, new, diff)


make_datasets()
queries()
query_options()
diffs()
patches()
