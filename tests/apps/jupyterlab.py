"""JupyterLab as an app (`deploy/apps/jupyterlab`): its contents are a drive of rutter, and its kernels run.

RUTTER_URL, LOGIN and PASSWORD: the server, and the owner of the install. APP_URL: where the app is; with DIRECT, that is
the container, and this script says who the visitor is, in place of the app proxy. With INSTALL, the name of the install,
the owner gives the app its files, and withdraws them. PYTHONPATH has tests/stories/clients. Packages: requests, websockets.
"""

import base64
import json
import os
import secrets
import socket
import uuid
from urllib.parse import quote, urljoin, urlsplit

import requests
import websockets.sync.client
from browser import Browser

RUTTER, APP, LOGIN = os.environ["RUTTER_URL"], os.environ["APP_URL"], os.environ["LOGIN"]
IS_DIRECT, INSTALL = "DIRECT" in os.environ, os.environ.get("INSTALL")
ORIGIN = "{0.scheme}://{0.netloc}".format(urlsplit(APP))

resolve = socket.getaddrinfo
# As browsers do (RFC 6761).
socket.getaddrinfo = lambda host, *more, **named: resolve(
    "127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named)

user = Browser(RUTTER, LOGIN)
own = {"X-Rutter-User": LOGIN} if IS_DIRECT else {}


def visit(url):
    """Opens a page of the app, from a link of the app."""
    for _ in range(10):
        answer = user.send("GET", url, headers={**own, "Referer": f"{APP}/lab", "Accept": "text/html"})
        if not answer.is_redirect:
            return answer
        url = urljoin(url, answer.headers["Location"])
    raise AssertionError(f"too many redirects: {url}")


def jupyter(method, path, body=None, expect=None):
    """Makes a request to Jupyter's API as its pages do."""
    token = next(cookie.value for cookie in user.session.cookies if cookie.name == "_xsrf")
    headers = {**own, "X-XSRFToken": token, "Origin": ORIGIN}
    answer = user.send(method, f"{APP}/api/{path}", json=body, headers=headers)
    assert answer.status_code == expect if expect else answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content and answer.ok else answer


def contents(method, path, body=None, expect=None, query=""):
    return jupyter(method, f"contents/{quote(path)}{query}", body, expect)


def drive(method, kind, path, **more):
    """Makes a request to rutter as the owner."""
    url = f"{RUTTER}/api/v1/drive/{LOGIN}/drive/{kind}/{quote(path)}"
    answer = user.send(method, url, headers={"Origin": RUTTER}, **more)
    assert answer.ok, f"{method} {url}: {answer.status_code} {answer.text}"
    return answer


def connect(kernel, **more):
    url = f"ws{APP.removeprefix('http')}/api/kernels/{kernel}/channels"
    cookie = user.session.prepare_request(requests.Request("GET", f"{APP}/", cookies=user.session.cookies)).headers["Cookie"]
    named = {"origin": ORIGIN, "additional_headers": {**own, "Cookie": cookie}, "proxy": None, "max_size": None, **more}
    return websockets.sync.client.connect(url, **named)


def run(kernel, code):
    """Runs a cell; returns what it prints."""
    with connect(kernel) as channel:
        header = {"msg_id": uuid.uuid4().hex, "username": LOGIN, "session": uuid.uuid4().hex, "date": "",
                  "msg_type": "execute_request", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        channel.send(json.dumps({"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}))
        printed = []
        while True:
            message = json.loads(channel.recv(timeout=60))
            if message["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            kind, content = message["msg_type"], message["content"]
            assert kind != "error", "\n".join(content["traceback"])
            if kind == "stream":
                printed.append(content["text"])
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(printed)


def main():
    folder = f"lab-{secrets.token_hex(4)}"
    base = f"{LOGIN}/drive/{folder}"
    user.sign_in()
    user.rutter("GET", "/api/v1/drive")
    drive("PUT", "files", f"{folder}/readings.csv", data=b"a,b\n1,2\n")
    consent = None
    if INSTALL:
        app = f"/api/v1/apps/{LOGIN}/{INSTALL}"
        consent = f"/api/v1/user/consents/{user.rutter('GET', app).json()['client']}"
        given = {"dataset": f"{LOGIN}/drive", "path": folder, "right": "edit"}
        opened = user.rutter("POST", f"{app}/open", given).json()["location"]
        assert opened.startswith(APP), opened

    page = visit(f"{APP}/lab")
    assert page.status_code == 200 and "<title>JupyterLab</title>" in page.text, page.text[:1000]
    if IS_DIRECT:
        # It knows its owner only by the header of the app proxy.
        for headers in ({}, {"X-Rutter-User": "eve"}, {"X-Rutter-User": f"{LOGIN},eve"}):
            for path in ("/lab", "/api/contents", f"/files/{base}/readings.csv", "/api/kernels", "/api/terminals"):
                answer = requests.get(APP + path, headers=headers, allow_redirects=False, timeout=30)
                assert answer.status_code in (302, 401, 403), f"{headers} {path}: {answer.status_code}"
    user.session.cookies.set("_xsrf", next(c.value for c in user.session.cookies if c.name == "_xsrf"))
    # Forms of other sites.
    forged = user.send("POST", f"{APP}/api/kernels", json={}, headers={**own, "Origin": "https://attacker.example"})
    assert forged.status_code in (401, 403, 404), forged.status_code
    print("JupyterLab is there, for its owner only", flush=True)

    root = {child["name"]: child["type"] for child in contents("GET", "")["content"]}
    assert root == {LOGIN: "directory", "~": "directory"}, root
    listed = contents("GET", base)["content"]
    assert [child["path"] for child in listed] == [f"{base}/readings.csv"], listed
    model = contents("GET", f"{base}/readings.csv")
    assert (model["content"], model["format"], model["writable"]) == ("a,b\n1,2\n", "text", True), model
    for missing in (f"{base}/none.csv", f"{LOGIN}/none/x.csv", "none"):
        contents("GET", missing, expect=404)
    raw = visit(f"{APP}/files/{base}/readings.csv")
    assert raw.status_code == 200 and raw.text == "a,b\n1,2\n", raw.text

    # A notebook: each save is a revision, and so are checkpoints.
    cell = {"cell_type": "code", "id": "one", "source": "print(6 * 7)", "metadata": {}, "outputs": [], "execution_count": None}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path = f"{base}/work.ipynb"
    saved = contents("PUT", path, {"type": "notebook", "content": notebook})
    assert saved["type"] == "notebook" and saved["size"] > 0, saved
    stored = json.loads(drive("GET", "content", f"{folder}/work.ipynb").content)
    assert stored["cells"][0]["source"] == ["print(6 * 7)"], stored
    first = jupyter("POST", f"contents/{quote(path)}/checkpoints")
    opened = contents("GET", path)
    assert opened["content"]["cells"][0]["metadata"]["trusted"] is True, opened
    notebook["cells"][0]["source"] = "print('changed')"
    contents("PUT", path, {"type": "notebook", "content": notebook})
    versions = drive("GET", "versions", f"{folder}/work.ipynb").json()["items"]
    assert [it["description"] for it in versions] == ["Write work.ipynb in JupyterLab"] * 2, versions
    found = jupyter("GET", f"contents/{quote(path)}/checkpoints")
    assert [it["id"] for it in found] == [it["revision"] for it in versions] and found[1]["id"] == first["id"], found
    jupyter("POST", f"contents/{quote(path)}/checkpoints/{first['id']}")
    assert contents("GET", path)["content"]["cells"][0]["source"] == "print(6 * 7)"

    # What others write is seen.
    drive("PUT", "files", f"{folder}/readings.csv", data=b"a,b\n3,4\n")
    assert contents("GET", f"{base}/readings.csv")["content"] == "a,b\n3,4\n"

    # A kernel runs a cell of this notebook, and reaches the same data.
    session = jupyter("POST", "sessions", {"path": path, "type": "notebook", "name": "", "kernel": {"name": "python3"}})
    kernel = session["kernel"]["id"]
    assert run(kernel, opened["content"]["cells"][0]["source"]) == "42\n"
    code = f"""
from rutter_drive import drive, DriveError
rows = drive.read({base!r} + "/readings.csv").decode().splitlines()
drive.write({base!r} + "/sum.txt", str(sum(map(int, rows[1].split(",")))).encode())
print(drive.list({base!r}))
try:
    drive.read("{LOGIN}/drive/../other/x")
except DriveError as error:
    print(error.status)
"""
    printed = run(kernel, code).splitlines()
    assert printed[0] == str([f"{base}/{name}" for name in ("readings.csv", "sum.txt", "work.ipynb")]), printed
    assert printed[1] == "404" and drive("GET", "content", f"{folder}/sum.txt").text == "7", printed
    try:
        with connect(kernel, origin="https://attacker.example"):
            raise AssertionError("another site can use the kernel")
    except websockets.exceptions.InvalidStatus as refusal:
        assert refusal.response.status_code in (401, 403, 404), refusal
    jupyter("DELETE", f"sessions/{session['id']}")
    print("a kernel ran a cell, with the owner's data", flush=True)

    # Folders, uploads in chunks, binary files, moves, copies.
    assert contents("PUT", f"{base}/plots", {"type": "directory"})["type"] == "directory"
    content = secrets.token_bytes(2_500_000)
    chunks = [content[at:at + 1_000_000] for at in range(0, len(content), 1_000_000)]
    for number, chunk in zip((1, 2, -1), chunks, strict=True):
        sent = {"type": "file", "format": "base64", "content": base64.b64encode(chunk).decode(), "chunk": number}
        done = contents("PUT", f"{base}/plots/large.bin", sent)
    assert done["size"] == len(content) and drive("GET", "content", f"{folder}/plots/large.bin").content == content
    assert base64.b64decode(contents("GET", f"{base}/plots/large.bin")["content"]) == content
    contents("PATCH", f"{base}/plots/large.bin", {"path": f"{base}/large ä.bin"})
    assert drive("GET", "content", f"{folder}/large ä.bin").content == content
    copied = contents("POST", f"{base}/plots", {"copy_from": f"{base}/readings.csv"})
    assert copied["path"] == f"{base}/plots/readings.csv", copied
    untitled = contents("POST", f"{base}/plots", {"type": "notebook"})
    assert untitled["name"] == "Untitled.ipynb", untitled
    contents("DELETE", f"{base}/large ä.bin", expect=204)
    contents("GET", f"{base}/large ä.bin", expect=404)
    contents("DELETE", f"{LOGIN}/drive", expect=400)
    # The volume.
    name = f"~/{secrets.token_hex(4)}.txt"
    contents("PUT", name, {"type": "file", "format": "text", "content": "kept"})
    assert contents("GET", name)["content"] == "kept"
    assert name in [child["path"] for child in contents("GET", "~")["content"]]
    contents("DELETE", name, expect=204)

    if consent:
        give = lambda right: user.rutter("PUT", consent, {"paths": [{"dataset": f"{LOGIN}/drive", "path": folder, "right": right}]})
        give("view")
        assert contents("GET", f"{base}/readings.csv")["writable"] is False
        contents("PUT", f"{base}/readings.csv", {"type": "file", "format": "text", "content": "x"}, expect=403)
        user.rutter("PUT", consent, {"paths": []})
        contents("GET", f"{base}/readings.csv", expect=404)
    print("done", flush=True)


main()
