"""Sign-in at applications: codes and refresh tokens for tokens, and requests with an access token.

Beside npm's `oidc-provider`, which keeps everything in memory, and beside what the machine can do: RSA signatures of
OpenSSL on all cores, and transactions of SQLite. The bounds are measured between the rounds, so that the machine is as
busy for them as for the server."""

import base64
import hashlib
import http.client
import json
import os
import re
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

from loads import HERE
from machine import CACHE, Skip, environment, median, run
from servers import REPOSITORY, Server, find
from versions import Api

CONNECTIONS = 16
# Refresh tokens that are sent in turn: more than there are connections, for each is used once.
TOKENS = 4 * CONNECTIONS
REDIRECT = "https://app.example.org/cb"
SCOPE = "openid profile email read"
VERIFIER = "bench" * 10
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
AUTHORIZATION = urlencode({
    "response_type": "code", "redirect_uri": REDIRECT, "scope": SCOPE, "state": "bench", "nonce": "bench",
    "code_challenge": CHALLENGE, "code_challenge_method": "S256"})
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class OidcProvider(Server):
    """The one that the stories compare with, and an application there."""

    name = "oidc-provider"
    home = CACHE / "oidc-provider"
    authorize, token = "/auth", "/token"
    # Its memory has room for a thousand codes and tokens.
    codes = 300

    def install(self):
        for command in ("node", "npm"):
            if not find(command):
                raise Skip(f"{command} is not installed")
        source = REPOSITORY / "tests" / "stories" / "clients"
        self.home.mkdir(parents=True, exist_ok=True)
        lock, stamp = (source / "package-lock.json").read_bytes(), self.home / "installed.json"
        # It finds packages only beside itself.
        shutil.copy(source / "provider.mjs", self.home)
        if stamp.exists() and stamp.read_bytes() == lock:
            return
        print(f"Installing {self.name} …", flush=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, self.home)
        try:
            run("npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", cwd=self.home,
                env=dict(os.environ))
        except RuntimeError as error:
            raise Skip(f"npm ci: {str(error)[-200:]}") from None
        stamp.write_bytes(lock)

    def start(self, folder):
        self.client = {"id": "bench", "secret": os.urandom(32).hex()}
        clients = [{"client_id": self.client["id"], "client_secret": self.client["secret"], "redirect_uris": [REDIRECT],
                    "scope": SCOPE, "grant_types": ["authorization_code", "refresh_token"]}]
        # It stops at the end of its input.
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["node", self.home / "provider.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                env=environment(CLIENTS=json.dumps(clients), NODE_ENV="production"))
        self.root = self.process.stdout.readline().decode().strip()
        if not self.root:
            raise RuntimeError(f"{self.name}: {(folder / 'log').read_text(errors='replace')[-600:]}")
        self.cookie = self.sign_in()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

    def sign_in(self):
        """The cookies of a browser whose user has signed in and allowed the application everything."""
        cookies, path = {"user": "bench"}, f"{self.authorize}?client_id={self.client['id']}&{AUTHORIZATION}"
        for _ in range(10):
            reply, _ = ask(self, "GET", path, {"Cookie": "; ".join(f"{key}={value}" for key, value in cookies.items())})
            for line in reply.headers.get_all("Set-Cookie", []):
                key, value = line.split(";")[0].split("=", 1)
                cookies[key] = value
            target = urljoin(self.root, reply.headers["Location"] or "")
            if target.startswith(REDIRECT):
                return "; ".join(f"{key}={value}" for key, value in cookies.items() if key.startswith("_session"))
            path = target.removeprefix(self.root)
        raise RuntimeError(f"{self.name}: signing in ends at {path}")


class Application:
    """A trusted application at our server, and the session of a user there."""

    authorize, token = "/oauth/authorize", "/oauth/token"
    # More than are issued in a round.
    codes = 1_000_000

    def __init__(self, server):
        self.root, self.name, self.cpu = server.root, server.name, server.cpu
        self.client = Api(server).call("POST", "clients", {
            "name": "Bench", "redirects": [REDIRECT], "scopes": SCOPE.split(), "traits": ["trusted"]})
        reply, said = ask(self, "POST", "/api/v1/session", {"Content-Type": "application/json"},
                          json.dumps({"login": "bench", "password": server.password}))
        if reply.status != 200:
            raise RuntimeError(f"signing in was answered with {reply.status}: {said[:300]}")
        self.cookie = reply.headers["Set-Cookie"].split(";")[0]


def ask(server, method, path, headers, body=None):
    """One request: the response and its text."""
    with closing(http.client.HTTPConnection(urlsplit(server.root).netloc, timeout=60)) as connection:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply, reply.read().decode()


def basic(client):
    return "Basic " + base64.b64encode(f"{client['id']}:{client['secret']}".encode()).decode()


def lua(value):
    """A table as Lua writes it. The texts have nothing that JSON and Lua escape in different ways."""
    if isinstance(value, dict):
        return "{" + ",".join(f"[{lua(key)}]={lua(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(map(lua, value)) + "}"
    return json.dumps(str(value) if isinstance(value, Path) else value)


def wrk(root, order, seconds, plan, connections=CONNECTIONS):
    """What wrk says after the requests of an order, for which see oauth.lua."""
    file = plan.work / "order.lua"
    file.unlink(missing_ok=True)
    file.touch(0o600)
    file.write_text("return " + lua(order))
    said = run("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", HERE / "oauth.lua", root,
               env=environment(BENCH_ORDER=str(file)))
    file.unlink()
    if trouble := re.search(r"Non-2xx.*|Socket errors.*|Trouble: .+", said):
        raise RuntimeError(f"wrk: {order['path'].split('?')[0]}: {trouble[0]}")
    return said


def counted(said):
    """How many values were found, and in how many seconds."""
    count, seconds = re.search(r"Answered: (\d+) in ([\d.]+)", said).groups()
    return int(count), float(seconds)


def collect(of, seconds, plan):
    """Codes for an application, as a browser gets them."""
    found = plan.work / "codes"
    wrk(of.root, {"method": "GET", "path": f"{of.authorize}?client_id={of.client['id']}&{AUTHORIZATION}",
                  "headers": {"Cookie": of.cookie}, "values": [], "find": "[?&]code=([^&]+)", "keep": found,
                  "most": of.codes}, seconds, plan)
    return found.read_text().split()[:of.codes]


def token_request(of, values, **fields):
    """An order for the token endpoint, as a confidential client sends it. It finds refresh tokens."""
    return {"method": "POST", "path": of.token, "headers": FORM | {"Authorization": basic(of.client)},
            "body": urlencode(fields), "values": values, "find": '"refresh_token":"([^"]+)"'}


def exchange(of, values, seconds, plan):
    """Codes for tokens: how many, in how many seconds, and the refresh tokens."""
    found = plan.work / "tokens"
    order = token_request(of, values, grant_type="authorization_code", redirect_uri=REDIRECT, code_verifier=VERIFIER,
                          code="VALUE")
    return *counted(wrk(of.root, order | {"keep": found}, seconds, plan)), found.read_text().split()


def log_in(of, plan):
    """The tokens of one more login."""
    code, *_ = collect(of, 1, plan)
    fields = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER, "code": code}
    reply, said = ask(of, "POST", of.token, FORM | {"Authorization": basic(of.client)}, urlencode(fields))
    tokens = json.loads(said) if reply.status == 200 else {}
    if tokens.get("id_token", "").count(".") != 2:
        raise RuntimeError(f"{of.name}: a code was answered with {reply.status}: {said[:300]}")
    return tokens


def refresh(of, values, seconds, plan):
    """Refresh tokens for the next ones, each in its turn: how many, and in how many seconds."""
    return counted(wrk(of.root, token_request(of, values, grant_type="refresh_token", refresh_token="VALUE"), seconds,
                       plan))


def timed(of, function, values, seconds, plan):
    """How many per second, the CPU milliseconds of each, and what else the function finds."""
    cpu = of.cpu()
    count, took, *more = function(of, values, seconds, plan)
    return count / took, (of.cpu() - cpu) * 1000 / count, *more


def warm(of, plan):
    """A program that compiles itself while it runs is slow at first."""
    log_in(of, plan)
    for _ in range(plan.rounds):
        exchange(of, collect(of, 1, plan), 1, plan)


class Transactions:
    """Transactions of one connection that change one row each, in a copy of the server's database beside it. Python's
    module calls SQLite itself; what it adds is small beside the write to the disk."""

    def __init__(self, server):
        self.database, self.copy = server.data / "rutter.db", server.data / "copy.db"

    def __enter__(self):
        self.tables = sqlite3.connect(self.copy, isolation_level=None)
        with closing(sqlite3.connect(self.database)) as source:
            source.backup(self.tables)
        # As in src/db.rs.
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self.tables.execute(f"PRAGMA {pragma}")
        # A log that has its size already, as that of the server, is written faster than one that grows.
        self.tables.execute("CREATE TABLE filler AS SELECT zeroblob(8000000)")
        self.tables.execute("DROP TABLE filler")
        self.tables.execute("PRAGMA wal_checkpoint(RESTART)")
        found = self.tables.execute("SELECT id FROM oauth_login ORDER BY id DESC LIMIT ?", [TOKENS])
        self.logins = [login for login, in found]
        return self

    def __exit__(self, *_):
        self.tables.close()
        self.copy.unlink()

    def rate(self):
        """Transactions per second, measured for a second."""
        count, begin = 0, time.monotonic()
        while (took := time.monotonic() - begin) < 1:
            self.tables.execute("BEGIN IMMEDIATE")
            self.tables.execute("UPDATE oauth_login SET generation = generation + 1, rotated_at = rotated_at + 1"
                                " WHERE id = ?", [self.logins[count % TOKENS]])
            self.tables.execute("COMMIT")
            count += 1
        return count / took


def signatures(plan):
    """RSA signatures per second, on all cores at once."""
    seconds = 1 if plan.rounds == 1 else 3
    said = run(find("openssl"), "speed", "-seconds", seconds, "-multi", os.cpu_count(), "rsa2048")
    return float(re.search(r"rsa 2048 bits\s+\S+\s+\S+\s+([\d.]+)", said)[1])


def steady(of, path, expected, headers, seconds, plan, connections=CONNECTIONS, body=None):
    """One request over and over: requests per second, CPU milliseconds of each, and the median in milliseconds."""
    order = {"method": "POST" if body else "GET", "path": path, "headers": headers} | ({"body": body} if body else {})
    reply, said = ask(of, order["method"], path, headers, body)
    if reply.status != 200 or expected not in said:
        raise RuntimeError(f"{of.name}: {path} was answered with {reply.status}: {said[:300]}")
    cpu = of.cpu()
    said = wrk(of.root, order, seconds, plan, connections)
    count, rate = re.search(r"(\d+) requests in", said)[1], re.search(r"Requests/sec:\s+([\d.]+)", said)[1]
    number, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", said).groups()
    return float(rate), (of.cpu() - cpu) * 1000 / int(count), float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def api(of, token, personal, plan):
    """The same request with an access token of an application and with a personal token, in turn."""
    path = "/api/v1/datasets/bench/data"
    one = lambda token: steady(of, path, '"data"', {"Authorization": f"Bearer {token}"}, 1, plan)
    pairs = [(one(token), one(personal)) for _ in range(plan.rounds * plan.wrk_seconds)]
    return {"API by an application req/s": median(ours[0] for ours, _ in pairs),
            "API by an application CPU ms": median(ours[1] for ours, _ in pairs),
            "API by personal token req/s": median(theirs[0] for _, theirs in pairs),
            "API by personal token CPU ms": median(theirs[1] for _, theirs in pairs),
            "API by an application / personal token": median(ours[0] / theirs[0] for ours, theirs in pairs)}


def descriptions(of, token, plan):
    """What describes an access token, and the server. The median is that of a client that asks nothing else."""
    of_token = {"headers": FORM | {"Authorization": basic(of.client)}, "body": urlencode({"token": token})}
    by_token = {"headers": {"Authorization": f"Bearer {token}"}}
    figures = {}
    for name, path, expected, sent in (
            ("introspection", "/oauth/introspect", '"active":true', of_token),
            ("userinfo", "/oauth/userinfo", '"preferred_username":"bench"', by_token),
            ("discovery", "/.well-known/openid-configuration", '"jwks_uri"', {"headers": {}}),
            ("JWKS", "/.well-known/jwks.json", '"RS256"', {"headers": {}})):
        measured = [[steady(of, path, expected, seconds=plan.wrk_seconds, plan=plan, connections=connections, **sent)
                     for connections in (1, CONNECTIONS)] for _ in range(plan.rounds)]
        figures[f"{name} p50 ms"] = median(alone[2] for alone, _ in measured)
        figures[f"{name} req/s"] = median(many[0] for _, many in measured)
    return figures


def rival(server, plan):
    """Codes for tokens at the provider of comparison."""
    warm(server, plan)
    rows = [timed(server, exchange, collect(server, 2, plan), 2, plan) for _ in range(plan.rounds)]
    return {"code to tokens/s": median(row[0] for row in rows), "code to tokens CPU ms": median(row[1] for row in rows)}


def measure(server, plan):
    """The figures of our server, and the bounds of the machine between its rounds."""
    of = Application(server)
    warm(of, plan)
    exchanges, refreshes = [], []
    with Transactions(server) as transactions:
        for _ in range(plan.rounds):
            *found, tokens = timed(of, exchange, collect(of, plan.wrk_seconds, plan), plan.wrk_seconds, plan)
            exchanges.append([*found, signatures(plan)])
            # In short turns, since what a write to the disk takes changes from one second to the next.
            for turn in range(plan.wrk_seconds):
                used = tokens[turn * TOKENS:][:TOKENS]
                refreshes.append([*timed(of, refresh, used, 1, plan), transactions.rate()])
    figures, bounds = {}, {}
    for name, bound, rows in (("code to tokens", "RSA-2048 signatures", exchanges),
                              ("refresh", "one-row transactions", refreshes)):
        figures[f"{name}/s"] = median(row[0] for row in rows)
        figures[f"{name} CPU ms"] = median(row[1] for row in rows)
        figures[f"{name} / {bound}"] = median(row[0] / row[2] for row in rows)
        bounds[f"{bound}/s"] = median(row[2] for row in rows)
    token = log_in(of, plan)["access_token"]
    return {"machine": bounds,
            server.name: figures | api(of, token, server.token, plan) | descriptions(of, token, plan)}
