"""Notes: an app of rutter in one file of Python, without other packages. Copy it.

It signs users in (authorization code with PKCE), lists the text files that they gave it, edits them, is opened with a
file from rutter, keeps a note for each user in its volume, and shows a clock by WebSocket.
"""

import base64
import contextlib
import hashlib
import hmac
import html
import http.server
import json
import os
import pathlib
import secrets
import signal
import socket
import struct
import sys
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

# rutter gives these to each app.
API = os.environ["RUTTER_API_URL"]  # where this program calls rutter
PUBLIC = os.environ["RUTTER_PUBLIC_URL"]  # where browsers find rutter; also the issuer
APP = os.environ["RUTTER_APP_URL"]  # where browsers find this app
BASE = os.environ.get("RUTTER_BASE_PATH", "")  # the path of APP: not in requests (prefix = "strip"), but in links
CLIENT, SECRET = os.environ["RUTTER_CLIENT_ID"], os.environ["RUTTER_CLIENT_SECRET"]
SCOPES = os.environ["RUTTER_SCOPES"]
VOLUME = pathlib.Path(os.environ.get("NOTES_FOLDER", "/storage"))

ENDINGS = (".md", ".txt", ".csv", ".tsv", ".json", ".toml", ".yaml", ".yml")  # as in the manifest
REDIRECT = f"{APP}/oauth/callback"
MAX_BYTES = 1 << 20  # of a file
MAX_SESSIONS, SESSION_SECONDS, LOGIN_SECONDS = 1000, 12 * 3600, 600
clocks = threading.BoundedSemaphore(50)


# Calls of rutter.


class Refused(Exception):
    """rutter, or this app, refuses a request. `status` is that of HTTP."""

    def __init__(self, status, detail):
        super().__init__(detail)
        self.status = status


class AccessEnded(Exception):
    """The tokens are refused: the user signed out of rutter, or withdrew the access."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would send the access token to another server."""

    def redirect_request(self, *_):
        return None


rutter = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)


def send(method, path, body=None, **headers):
    """Makes a request to rutter; returns the content of the response."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with rutter.open(urllib.request.Request(API + path, body, headers, method=method), timeout=30) as response:
            return response.read(MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        detail = error.reason
        with contextlib.suppress(ValueError):
            problem = json.loads(error.read(MAX_BYTES))
            detail = problem.get("detail") or problem.get("error_description") or detail
        raise Refused(error.code, detail) from error
    except OSError as error:
        raise Refused(502, "rutter does not answer; try again later") from error


def as_client(path, **fields):
    """Makes a request as this app, without a user."""
    login = base64.b64encode(f"{quote(CLIENT)}:{quote(SECRET)}".encode()).decode()
    return send("POST", path, urlencode(fields).encode(), Authorization=f"Basic {login}")


class Session:
    """A browser that is signed in. Tokens stay here: the browser has only a random cookie."""

    def __init__(self, **fields):
        self.began, self.csrf, self.lock = time.monotonic(), secrets.token_urlsafe(32), threading.Lock()
        self.get_tokens(grant_type="authorization_code", **fields)
        self.user = json.loads(self.api("GET", "/oauth/userinfo"))

    def get_tokens(self, **fields):
        """Gets tokens. A refresh token works once: the new one replaces it."""
        self.tokens = json.loads(as_client("/oauth/token", **fields))
        self.expires = time.monotonic() + self.tokens["expires_in"] - 30

    def api(self, method, path, body=None, **headers):
        """Makes a request with the rights that the user gave this app."""
        try:
            with self.lock:
                if time.monotonic() > self.expires:
                    self.get_tokens(grant_type="refresh_token", refresh_token=self.tokens["refresh_token"])
        except Refused as refusal:
            raise (AccessEnded() if refusal.status == 400 else refusal) from refusal
        try:
            return send(method, path, body, Authorization=f"Bearer {self.tokens['access_token']}", **headers)
        except Refused as refusal:
            raise (AccessEnded() if refusal.status == 401 else refusal) from refusal

    def get(self, path):
        return json.loads(self.api("GET", path))


sessions = {}  # cookie → Session
logins = {}  # (cookie, state) → when it began, PKCE verifier, path to return to
table_lock = threading.Lock()


def keep(table, key, value, began, seconds):
    """Adds to a table, and removes what is too old or too much: the oldest come first."""
    with table_lock:
        table[key] = value
        for old in [old for old in table if began(table[old]) < time.monotonic() - seconds]:
            del table[old]
        while len(table) > MAX_SESSIONS:
            del table[next(iter(table))]


# Pages.


class Html(str):
    """Text that is HTML already."""


def fill(template, /, **values):
    """Fills in values, and escapes them unless they are HTML."""
    return Html(template.format(**{k: v if isinstance(v, Html) else html.escape(str(v)) for k, v in values.items()}))


def url(path, /, **query):
    """Returns a link to a page of this app."""
    return f"{BASE}{path}" + (f"?{urlencode(query)}" if query else "")


def drive(kind, dataset, path, **query):
    """Returns the path of a file in rutter's API."""
    if not dataset or any(part in ("", ".", "..") for part in f"{dataset}/{path}".split("/")):
        raise Refused(400, "the address does not name a file")
    return f"/api/v1/drive/{quote(dataset)}/{kind}/{quote(path)}" + (f"?{urlencode(query)}" if query else "")


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><link rel="icon" href="data:,"><style>body {{ font: 16px/1.5 sans-serif; max-width: 50rem;
margin: 2rem auto; padding: 0 1rem }} textarea {{ width: 100%; font: 14px/1.4 monospace }}</style>
<h1>{title}</h1>{body}"""
HOME = """<p>Signed in as {user}. <output id="clock"></output></p><h2>Files</h2><ul>{files}</ul>
<p><a href="{choose}">Choose other files</a></p><h2>Your note</h2>
<form method="post" action="{note_url}">{csrf}<textarea name="text" rows="6">
{note}</textarea><button>Keep</button></form><form method="post" action="{out}">{csrf}<button>Sign out</button></form>
<script src="{script}"></script>"""
EDIT = """<p>{problem}</p><form method="post" action="{action}">{csrf}<input type="hidden" name="revision"
value="{revision}"><textarea name="text" rows="24" {lock}>
{text}</textarea>{save} <a href="{home}">All files</a></form>"""
ENDED = """<p>Notes no longer has access: you signed out of rutter, or withdrew it.</p>
<p><a href="{to}">Sign in again</a></p><textarea rows="24" readonly>
{text}</textarea>"""
PROBLEM = """<p>{detail}</p><p><a href="{home}">All files</a> · <a href="{choose}">Choose other files</a></p>"""
CLOCK = """const url = new URL(document.currentScript.src.replace(/[^/]*$/, 'clock'));
url.protocol = url.protocol.replace('http', 'ws');
new WebSocket(url).onmessage = (event) => { document.getElementById('clock').value = event.data; };"""
POLICY = """default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; img-src data:; connect-src 'self'; \
form-action 'self'; base-uri 'none'; frame-ancestors 'none'"""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 60

    def log_request(self, code="-", size="-"):
        # Not the query, which has codes.
        print(self.command, self.path.split("?")[0][:200], code, flush=True)

    def respond(self, status, body, kind="text/html; charset=utf-8", **headers):
        content = body.encode()
        common = {"Content-Type": kind, "Content-Length": len(content), "Cache-Control": "no-store",
                  "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
                  "Content-Security-Policy": POLICY}
        self.send_response(status)
        for name, value in (common | headers).items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(content)

    def page(self, title, body, status=200):
        self.respond(status, fill(PAGE, title=title, body=body))

    def go(self, to, **headers):
        self.respond(303, "", Location=to, **headers)

    def serve(self, routes, public=()):
        address = urlsplit(self.path)
        self.query, self.form = dict(parse_qsl(address.query)), {}
        cookies = (item.strip().split("=", 1) for item in self.headers.get("Cookie", "").split(";") if "=" in item)
        self.cookie = dict(cookies).get("notes", "")[:64]
        self.session = sessions.get(self.cookie)
        here = address.path + (f"?{address.query}" if address.query else "")
        try:
            if self.command == "POST":
                self.read_form()
            if address.path not in routes:
                raise Refused(404, "there is no such page")
            if not self.session and address.path not in public:
                if self.command == "POST":
                    raise AccessEnded
                return self.go(url("/login", next=here))
            routes[address.path](self)
        except AccessEnded:
            sessions.pop(self.cookie, None)
            # The text that was written is not lost.
            self.page("Sign in", fill(ENDED, to=url("/login", next=here), text=self.form.get("text", "")), 401)
        except Refused as refusal:
            links = {"home": url("/"), "choose": url("/login", choose=1)}
            self.page("That did not work", fill(PROBLEM, detail=refusal, **links), refusal.status)

    def do_GET(self):
        self.serve({
            "/": Handler.home, "/file": Handler.show, "/open": Handler.open_with, "/clock": Handler.clock,
            "/login": Handler.login, "/oauth/callback": Handler.callback,
            "/clock.js": lambda self: self.respond(200, CLOCK, "text/javascript"),
            "/healthz": lambda self: self.respond(200, "ok\n", "text/plain"),
        }, public=("/login", "/oauth/callback", "/clock", "/clock.js", "/healthz"))

    def do_POST(self):
        self.serve({"/file": Handler.save, "/note": Handler.keep_note, "/logout": Handler.logout})

    def read_form(self):
        """Reads a form, which must be of this app: other sites do not know the token of the session."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > 3 * MAX_BYTES:
            self.close_connection = True
            raise Refused(413, "the form is too large")
        form = dict(parse_qsl(self.rfile.read(int(length)).decode(errors="replace"), keep_blank_values=True))
        # Browsers send the lines of a form with CR LF.
        self.form = form | {"text": form.get("text", "").replace("\r\n", "\n")}
        if self.session and not hmac.compare_digest(form.get("csrf", "").encode(), self.session.csrf.encode()):
            raise Refused(403, "the form is out of date; open the page again")

    def csrf(self):
        return fill('<input type="hidden" name="csrf" value="{token}">', token=self.session.csrf)

    # Signing in.

    def set_cookie(self, cookie):
        return f"notes={cookie}; Path={BASE}/; HttpOnly; SameSite=Lax" + ("; Secure" if APP.startswith("https:") else "")

    def login(self):
        """Sends the browser to rutter, which asks the user; with `choose` also a user that has allowed it before."""
        cookie, state = self.cookie or secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        verifier, after = secrets.token_urlsafe(48), self.query.get("next", "/")
        if not after.startswith("/") or after[1:2] in ("/", "\\") or len(after) > 2000:
            after = "/"  # Not a page of this app.
        keep(logins, (cookie, state), (time.monotonic(), verifier, after), lambda login: login[0], LOGIN_SECONDS)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        ask = {"response_type": "code", "client_id": CLIENT, "redirect_uri": REDIRECT, "scope": SCOPES, "state": state,
               "code_challenge": challenge, "code_challenge_method": "S256"}
        ask |= {"prompt": "consent"} if "choose" in self.query else {}
        self.go(f"{PUBLIC}/oauth/authorize?{urlencode(ask)}", Set_Cookie=self.set_cookie(cookie))

    def callback(self):
        _, verifier, after = logins.pop((self.cookie, self.query.get("state")), (None, None, None))
        if not verifier or self.query.get("iss") != PUBLIC:
            raise Refused(400, "this browser did not begin to sign in, or long ago; try again")
        if "code" not in self.query:
            raise Refused(403, self.query.get("error_description", "you did not allow it"))
        session = Session(code=self.query["code"], redirect_uri=REDIRECT, code_verifier=verifier)
        # A new cookie: another user of this browser may know the one from before.
        sessions.pop(self.cookie, None)
        cookie = secrets.token_urlsafe(32)
        keep(sessions, cookie, session, lambda session: session.began, SESSION_SECONDS)
        self.go(url("") + after, Set_Cookie=self.set_cookie(cookie))

    def logout(self):
        sessions.pop(self.cookie, None)
        with contextlib.suppress(Refused):
            as_client("/oauth/revoke", token=self.session.tokens["refresh_token"])
        self.page("Signed out", fill('<p><a href="{to}">Sign in</a></p>', to=url("/")))

    # Files of the user.

    def home(self):
        given = self.session.get("/api/v1/oauth/paths")["items"]
        files = sorted({file for item in given for file in self.files_of(**item)})
        items = [fill('<li><a href="{to}">{dataset}: {path}</a></li>', dataset=dataset, path=path,
                      to=url("/file", dataset=dataset, path=path)) for dataset, path in files]
        self.page("Notes", fill(
            HOME, user=self.session.user["preferred_username"], files=Html("".join(items)), csrf=self.csrf(),
            note=self.note().read_text() if self.note().exists() else "", note_url=url("/note"),
            choose=url("/login", choose=1), out=url("/logout"), script=url("/clock.js")))

    def files_of(self, dataset, path, **_):
        """Returns the text files of what the app was given: a file, a folder, or a dataset."""
        try:
            if path and self.session.get(drive("entry", dataset, path))["type"] == "file":
                return [(dataset, path)]
            query = urlencode({"path": path, "recursive": "true", "limit": 200})
            listed = self.session.get(f"/api/v1/drive/{quote(dataset)}/list?{query}")["items"]
        except Refused as refusal:
            if refusal.status == 404:  # It was deleted, or the user no longer has access to it.
                return []
            raise
        is_text = lambda entry: entry["type"] == "file" and entry["path"].lower().endswith(ENDINGS)
        return [(dataset, entry["path"]) for entry in listed if is_text(entry)]

    def where(self):
        return {"dataset": self.query.get("dataset", ""), "path": self.query.get("path", "")}

    def open_with(self):
        """Opens a file from rutter: for editing, unless it is an old version."""
        where, revision = self.where(), self.query.get("revision")
        if revision:
            ids = [self.session.get(drive("entry", **where, **at))["id"] for at in ({}, {"revision": revision})]
            where |= {"revision": revision} if ids[0] != ids[1] else {}
        self.go(url("/file", **where))

    def show(self):
        where, at = self.where(), {"revision": self.query["revision"]} if "revision" in self.query else {}
        entry = self.session.get(drive("entry", **where, **at))
        if entry["type"] != "file" or entry["size"] > MAX_BYTES:
            raise Refused(413, "Notes opens files of up to 1 MiB")
        try:
            # Of the revision that is edited: there may be a newer one by now.
            text = self.session.api("GET", drive("content", **where, revision=entry["revision"])).decode()
        except UnicodeDecodeError:
            raise Refused(415, "this is not a text file") from None
        problem = "This is an old version." if at else "You can only view it." if entry["right"] == "view" else ""
        self.editor(text, entry["revision"], problem, is_locked=bool(problem))

    def editor(self, text, revision, problem="", is_locked=False, status=200):
        save, where = Html("" if is_locked else "<button>Save</button>"), self.where()
        self.page(where["path"].rsplit("/", 1)[-1], fill(
            EDIT, text=text, revision=revision, problem=problem, lock="readonly" if is_locked else "", save=save,
            action=url("/file", **where), home=url("/"), csrf=self.csrf()), status)

    def save(self):
        """Writes the file as a new revision, unless someone else did since."""
        where, text, revision = self.where(), self.form["text"], self.form.get("revision", "")
        try:
            if not revision.isalnum() or len(text.encode()) > MAX_BYTES:
                raise Refused(413, "Notes saves files of up to 1 MiB")
            target = drive("files", **where, message=f"Edit {where['path']} in Notes")
            self.session.api("PUT", target, text.encode(), If_Match=f'"{revision}"', Content_Type="text/plain")
        except Refused as refusal:
            changed = "Someone changed the file in the meantime. Copy your text, and open the file again."
            problem = changed if refusal.status == 412 else f"Not saved: {refusal}"
            return self.editor(text, revision, problem, status=refusal.status)
        self.go(url("/file", **where))

    # The volume, and the clock.

    def note(self):
        """Returns the file of the user's note, named by the id of the user, which never changes."""
        return VOLUME / f"{hashlib.sha256(self.session.user['sub'].encode()).hexdigest()}.txt"

    def keep_note(self):
        new = self.note().with_suffix(f".{secrets.token_hex(4)}")
        try:
            new.write_text(self.form["text"][:10_000])
            new.replace(self.note())
        except OSError as error:
            raise Refused(507, f"the note was not kept: {error.strerror}") from error
        self.go(url("/"))

    def clock(self):
        """Sends the time every second by WebSocket (RFC 6455)."""
        key, own = self.headers.get("Sec-WebSocket-Key"), "{0.scheme}://{0.netloc}".format(urlsplit(APP))
        # Other sites can open WebSockets with the user's cookie.
        if not key or not self.session or self.headers.get("Origin") != own or not clocks.acquire(blocking=False):
            raise Refused(403, "this is a WebSocket of the page of Notes")
        self.close_connection, self.writing = True, threading.Lock()
        try:
            accept = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept).decode())
            self.end_headers()
            self.connection.settimeout(None)
            threading.Thread(target=self.tick, daemon=True).start()
            while self.answer_frame():
                pass
        except OSError:
            pass  # The browser is gone.
        finally:
            clocks.release()

    def tick(self):
        with contextlib.suppress(OSError, ValueError):
            while sessions.get(self.cookie) is self.session:
                self.send_frame(1, time.strftime("%H:%M:%S").encode())
                time.sleep(1)
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def send_frame(self, opcode, payload):
        with self.writing:
            self.wfile.write(struct.pack("BB", 0x80 | opcode, len(payload)) + payload)

    def answer_frame(self):
        """Reads a frame, and answers pings and the end. Returns false at the end, and for frames that are too long."""
        head = self.rfile.read(2)
        if len(head) < 2 or not 0x80 <= head[1] <= 0x80 + 125:
            return False
        mask, payload = self.rfile.read(4), self.rfile.read(head[1] & 0x7F)
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        answers = {8: 8, 9: 10}  # close, ping → pong
        if answer := answers.get(head[0] & 0xF):
            self.send_frame(answer, payload)
        return answer != 8


if __name__ == "__main__":
    # Process 1 of a container does not end on it otherwise.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
