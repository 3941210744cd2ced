"""Runs what "Use in code" of the web interface shows, with the tools themselves: the strings come from the module that the
page uses. Names of files have every character that means something to one of the tools."""

import gzip
import io
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys

import pandas
import requests

SERVER, TOKEN, READER = os.environ["SERVER"], os.environ["TOKEN"], os.environ["READER"]
HERE = pathlib.Path.cwd()
TOOLS = pathlib.Path(sys.executable).parent
DUCKDB = pathlib.Path(os.environ["DUCKDB"])
HOSTILE = "it's; \"two\" $(touch stolen) `touch stolen` #1 50% [a-z]{x,y}, 'ü' & more"
ROWS = pandas.DataFrame({"bird": ["owl", "tit", "jay", "owl"], "count": [3, 4, 5, 1]})
ada = requests.Session()
ada.headers["Authorization"] = f"Bearer {TOKEN}"


def call(method, path, **more):
    response = ada.request(method, f"{SERVER}/api/v1/{path}", timeout=120, **more)
    assert response.ok, (method, path, response.status_code, response.text[:1000])
    return response


def in_memory(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


CSV = ROWS.to_csv(index=False).encode()
TSV = ROWS.to_csv(index=False, sep="\t").encode()
LINES = ROWS.to_json(orient="records", lines=True).encode()
TABLES = {
    "birds.csv": CSV,
    f"data/{HOSTILE}.csv": CSV,
    "-rf --help.tsv": TSV,
    "packed.csv.gz": gzip.compress(CSV),
    "packed.tsv.gz": gzip.compress(TSV),
    "lines.jsonl": LINES,
    "packed.ndjson.gz": gzip.compress(LINES),
    "records.json": ROWS.to_json(orient="records").encode(),
    f"data/{HOSTILE}.parquet": in_memory(ROWS.to_parquet),
    "columns.arrow": in_memory(ROWS.to_feather),
}
OTHERS = {"large.bin": os.urandom(200_000), f"{HOSTILE} \u202ecod.txt": b"text\n", "notes.txt": b"notes\n"}


def make(name, visibility):
    """Creates a dataset with a release, a branch, and another state of its default branch."""
    call("POST", "datasets", json={"id": f"ada/{name}", "visibility": visibility})
    put = lambda path, content: call("PUT", f"drive/ada/{name}/files/{requests.utils.quote(path)}", data=content)
    for path, content in (TABLES | OTHERS).items():
        put(path, content)
    call("POST", f"datasets/ada/{name}/tags", json={"name": "v1.0"})
    call("POST", f"datasets/ada/{name}/branches", json={"name": BRANCH})
    put("notes.txt", b"later\n")
    return call("GET", f"datasets/ada/{name}/tags/v1.0").json()["revision"]


BRANCH = "work;touch$IFS'stolen'"


def snippets(places):
    printed = subprocess.run(["node", os.environ["PRINTER"]], input=json.dumps(places).encode(), stdout=subprocess.PIPE, check=True)
    return json.loads(printed.stdout)


class Run:
    """A folder to run a snippet in, what it said, and what must not be there afterwards."""

    number = 0

    def __init__(self, is_public, tool, code):
        Run.number += 1
        self.tool, self.code, self.folder, self.said = tool, code, HERE / f"run{Run.number}", ""
        self.home = self.folder / "home"
        self.home.mkdir(parents=True)
        # The user has a token for reading in the environment and nowhere else.
        self.environment = {
            "HOME": str(self.home),
            "PATH": f"{TOOLS}:{os.environ['PATH']}",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "LC_ALL": "C.UTF-8",
            "no_proxy": "127.0.0.1,localhost",
        } | ({} if is_public else {"RUTTER_TOKEN": READER})

    def run(self, command):
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{self.tool}\n{self.code}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        self.said = done.stdout
        return self

    def check(self):
        assert not list(self.folder.rglob("stolen")), f"a name was run as a command: {self.code}"
        for file in self.folder.rglob("*"):
            # Neither a configuration nor a history holds the token.
            assert not file.is_file() or READER.encode() not in file.read_bytes(), (file, self.code)
        return self

    def rows(self):
        if self.tool == "DuckDB":
            return json.loads(self.said[self.said.index('[{"bird"') :])
        return json.loads((self.folder / "rows.json").read_text())


def run_program(is_public, tool, code):
    run = Run(is_public, tool, code)
    if tool == "DuckDB":
        install_httpfs(run.home)
        return run.run([DUCKDB / "duckdb", "-json", "-no-stdin", "-init", "/dev/null", "-c", code]).check()
    if tool == "R":
        return run.run(["Rscript", "-e", f'{code}\njsonlite::write_json(data, "rows.json")']).check()
    return run.run(["bash", "-e", "-c", code]).check()


# Runs each program in its folder. As RFC 6761 says, names below `localhost` are this machine, which the C library of Debian
# alone does not know: `datasets` looks for the dataset viewer there.
PROGRAM = """
import contextlib, json, os, pathlib, socket, sys
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **named: resolve("localhost" if str(host).endswith(".localhost") else host, *rest, **named)
for folder, code in json.load(sys.stdin):
    os.chdir(folder)
    with open("said", "w") as said, contextlib.redirect_stdout(said):
        exec(compile(code, "snippet", "exec"), {"__name__": "__main__"})
"""
SAVES = {
    "pandas": 'df.to_json("rows.json", orient="records")',
    "polars": 'df.write_json("rows.json")',
    "datasets": 'data["train"].to_pandas().to_json("rows.json", orient="records")',
}


def run_python(is_public, programs):
    """Runs snippets for Python, all in one process."""
    runs = [Run(is_public, tool, code) for tool, code in programs]
    given = [[str(run.folder), f"{run.code}\n{SAVES.get(run.tool, '')}"] for run in runs]
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=json.dumps(given), env=runs[0].environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
    for run in runs:
        run.said = (run.folder / "said").read_text()
        run.check()
    return runs


def install_httpfs(home):
    """Puts the extension where DuckDB keeps those that it has downloaded."""
    source = next(DUCKDB.parent.glob("lib/python*/site-packages/duckdb_extension_httpfs/extensions/*/httpfs.duckdb_extension"))
    machine = {"x86_64": "linux_amd64", "aarch64": "linux_arm64"}[platform.machine()]
    target = home / ".duckdb/extensions" / source.parent.name / machine
    target.mkdir(parents=True, exist_ok=True)
    (target / source.name).symlink_to(source)


def tables(name, is_public, at):
    """Every tool that offers to read a table gets its rows."""
    place = {"origin": SERVER, "owner": "ada", "name": name, "isPublic": is_public, **at}
    offered = [(path, tool, code) for path, all in zip(TABLES, snippets([place | {"path": path} for path in TABLES])) for tool, code in all.items()]
    python = [one for one in offered if one[1] in SAVES]
    programs = [one for one in offered if one[1] == "DuckDB" or (one[1] == "R" and shutil.which("Rscript"))]
    runs = run_python(is_public, [(tool, code) for _, tool, code in python]) + [run_program(is_public, tool, code) for _, tool, code in programs]
    expected = json.loads(ROWS.to_json(orient="records"))
    for (path, _, _), run in zip(python + programs, runs):
        assert run.rows() == expected, (run.tool, path, run.rows(), run.code)
    return {(tool, path) for path, tool, _ in python + programs}


def files(name, is_public, at):
    """Every tool that loads files gets the bytes, whatever they are called."""
    place = {"origin": SERVER, "owner": "ada", "name": name, "isPublic": is_public, **at}
    contents = {path: (TABLES | OTHERS)[path] for path in [f"data/{HOSTILE}.csv", "-rf --help.tsv", *OTHERS]}
    if at["kind"] == "default":
        contents["notes.txt"] = b"later\n"
    offered = snippets([place | {"path": path} for path in contents])
    for (path, content), tools in zip(contents.items(), offered):
        for tool, found in {"git": f"{name}/{path}", "HF CLI": f"{name}/{path}", "curl": path.rpartition("/")[2]}.items():
            run = run_program(is_public, tool, tools[tool])
            assert (run.folder / found).read_bytes() == content, (tool, path)
    for content, run in zip(contents.values(), run_python(is_public, [("Python", tools["Python"]) for tools in offered])):
        assert pathlib.Path(run.said.removesuffix("\n")).read_bytes() == content, run.code


def whole(name, is_public, at):
    """All files at once."""
    place = {"origin": SERVER, "owner": "ada", "name": name, "isPublic": is_public, **at}
    (offered,) = snippets([place])
    assert set(offered) == {"git", "HF CLI", "Python", "curl"}, offered
    expected = TABLES | OTHERS | ({"notes.txt": b"later\n"} if at["kind"] == "default" else {})
    for tool, code in offered.items():
        run = run_python(is_public, [(tool, code)])[0] if tool == "Python" else run_program(is_public, tool, code)
        folder = pathlib.Path(run.said.strip()) if tool == "Python" else run.folder / name
        if tool == "curl":
            shutil.unpack_archive(run.folder / f"{name}.zip", folder)
            folder = next(one.parent for one in folder.rglob("birds.csv"))
        for path, content in expected.items():
            assert (folder / path).read_bytes() == content, (tool, path)


def refusals():
    """Without the token, a private dataset is not there."""
    place = {"origin": SERVER, "owner": "ada", "name": "secret", "isPublic": True, "revision": "main", "kind": "default", "path": "birds.csv"}
    (offered,) = snippets([place])
    for tool in ["git", "curl", "pandas"]:
        try:
            run_python(True, [(tool, offered[tool])]) if tool == "pandas" else run_program(True, tool, offered[tool])
        except AssertionError as error:
            assert "401" in str(error) or "could not read Username" in str(error), error
        else:
            raise AssertionError(f"{tool} read a private dataset")


def main():
    revision = make("open", "public")
    make("secret", "private")
    release, default = {"revision": "v1.0", "kind": "tag"}, {"revision": "main", "kind": "default"}
    seen = tables("open", True, release) & tables("secret", False, default)
    # Most formats with every tool; what a tool cannot read, it does not offer.
    assert {tool for tool, _ in seen} >= {"pandas", "polars", "datasets", "DuckDB"}, seen
    assert all(("pandas", path) in seen for path in TABLES) and len(seen) > 30, sorted(seen)
    files("open", True, default)
    files("secret", False, release)
    whole("open", True, {"revision": revision, "kind": "revision"})
    whole("secret", False, {"revision": BRANCH, "kind": "branch"})
    refusals()


main()
