"""The servers that are compared, behind one shape: where it is, how to speak to it, which processes are it."""

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from machine import CACHE, Process, Skip, cpu_seconds, environment, free_port, python_with, run

REPOSITORY = Path(__file__).resolve().parents[2]
LFS = "application/vnd.git-lfs+json"
RUDOLFS = "0.3.8"
# giftless declares no dependencies; these are what its 0.6.2 imports with local storage.
GIFTLESS = ["giftless==0.6.2", "gunicorn", "flask==2.3.3", "werkzeug==2.3.8", "flask-classful==0.16.0",
            "flask-marshmallow==0.15.0", "marshmallow==3.20.1", "webargs==8.3.0", "figcan==0.0.4", "python-dateutil",
            "python-dotenv", "pyjwt[crypto]==2.8.0", "cachetools", "pyyaml", "typing-extensions", "requests"]


# All the load comes from one address with one token: counted as everywhere, but never refused.
RATES = {f"RUTTER_RATES__{key}": "10000000" for key in ["ADDRESS", "USER", "TOKEN"]} | {
    "RUTTER_RATES__TRANSFERS_ADDRESS": "0"}


class Server:
    """One LFS server. `start` gives it an empty folder; `lfs` is its API root, `authorization` what to send."""

    name = ""
    authorization = ""

    def start(self, folder):
        raise NotImplementedError

    def install(self):
        """Get it onto this machine, or raise Skip."""

    def stop(self):
        self.process.stop()

    @property
    def roots(self):
        return [self.process.pid]

    def cpu(self):
        """Processor seconds that it has used so far."""
        return cpu_seconds(self.roots)

    def batch(self, operation, objects, transfer="basic"):
        """One batch request; the reply's objects by oid."""
        body = json.dumps({"operation": operation, "transfers": [transfer], "ref": {"name": "refs/heads/main"},
                           "objects": [{"oid": oid, "size": size} for oid, size in objects]}).encode()
        headers = {"Content-Type": LFS, "Accept": LFS}
        if self.authorization:
            headers["Authorization"] = self.authorization
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(urllib.request.Request(self.lfs + "/objects/batch", body, headers), timeout=60) as reply:
                return {item["oid"]: item for item in json.load(reply)["objects"]}
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{self.name}: batch answered {error.code}: {error.read()[:300]!r}") from None

    def actions(self, verb, oid, size, transfer="basic"):
        """What one object's upload or download takes: address and headers of each step. Empty if it is there already."""
        item = self.batch(verb, [(oid, size)], transfer)[oid]
        actions = item.get("actions") or {}
        if verb not in actions and ("error" in item or verb == "download"):
            raise RuntimeError(f"{self.name}: no {verb} action: {item}")
        found = {}
        for step, action in actions.items():
            headers = dict(action.get("header") or {})
            if self.authorization and not item.get("authenticated"):
                headers.setdefault("Authorization", self.authorization)
            found[step] = action["href"], headers
        return found

    def action(self, verb, oid, size):
        """The address and the headers of one object's upload or download; None if it is there already."""
        return self.actions(verb, oid, size).get(verb)

    def verify(self, actions, oid, size):
        """The last step of an upload, where there is one."""
        if "verify" in actions:
            href, headers = actions["verify"]
            body = json.dumps({"oid": oid, "size": size}).encode()
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            opener.open(urllib.request.Request(href, body, {"Content-Type": LFS} | headers), timeout=60).close()

    def git_environment(self):
        """For real git and git-lfs."""
        return environment()


class Rudolfs(Server):
    name = "rudolfs"
    binary = CACHE / "rudolfs" / "bin" / "rudolfs"

    def install(self):
        if self.binary.exists():
            return
        print(f"Installing rudolfs {RUDOLFS} (this takes some minutes, once) …", flush=True)
        try:
            run("nice", "-n", "19", "cargo", "install", "--quiet", "--locked", "--root", CACHE / "rudolfs",
                "--version", RUDOLFS, "rudolfs", timeout=3600,
                env={k: v for k, v in os.environ.items() if k != "CARGO_TARGET_DIR"})
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            raise Skip(f"cargo install rudolfs: {str(error)[-200:]}") from None

    def start(self, folder):
        port = free_port()
        self.lfs = f"http://127.0.0.1:{port}/api/bench/data"
        self.process = Process([self.binary, "--host", f"127.0.0.1:{port}", "--log-level", "warn",
                                "local", "--path", folder / "objects"], folder / "log")
        self.process.wait_for(f"http://127.0.0.1:{port}/")


class Giftless(Server):
    name = "giftless"
    home = CACHE / "giftless"

    def install(self):
        python_with(self.home, *GIFTLESS)

    def start(self, folder):
        port = free_port()
        root = f"http://127.0.0.1:{port}"
        self.lfs = f"{root}/bench/data.git/info/lfs"
        config = {"AUTH_PROVIDERS": ["giftless.auth.allow_anon:read_write"], "TRANSFER_ADAPTERS": {"basic": {
            "factory": "giftless.transfer.basic_streaming:factory",
            "options": {"storage_class": "giftless.storage.local_storage:LocalStorage",
                        "storage_options": {"path": str(folder / "objects")}, "action_lifetime": 900}}}}
        self.process = Process([self.home / "bin" / "gunicorn", "--workers", "4", "--threads", "4", "--timeout", "300",
                                "--bind", f"127.0.0.1:{port}", "--log-level", "warning",
                                "giftless.wsgi_entrypoint:app"], folder / "log", cwd=folder,
                               env=environment(GIFTLESS_CONFIG_STR=json.dumps(config), PYTHONWARNINGS="ignore"))
        self.process.wait_for(root + "/")


class Rutter(Server):
    """Ours, in its default shape: SQLite and a local folder, a private dataset, a personal token on every request."""

    name = "rutter"
    # What its figures begin with.
    prefix = ""
    built = False

    # A program that is there already, in the place of a release build: while one works on the bench itself.
    given = os.environ.get("RUTTER_BIN")

    @property
    def binary(self):
        return Path(self.given) if self.given else target_directory() / "release" / "rutter"

    def install(self):
        if Rutter.built or self.given:
            return
        print("Building rutter …", flush=True)
        try:
            run("cargo", "build", "--quiet", "--release", "--bin", "rutter", cwd=REPOSITORY, env=dict(os.environ),
                timeout=3600)
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            raise Skip(f"cargo build: {str(error)[-400:]}") from None
        Rutter.built = True

    # What its environment says, beside the defaults.
    settings = {}

    def command(self, *arguments, input=None):
        return run(self.binary, *arguments, "--data", self.data, input=input, env=environment(**self.settings)).strip()

    def begin(self, *arguments):
        """A command that is watched while it runs."""
        return subprocess.Popen([self.binary, *arguments, "--data", self.data], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=environment(**self.settings))

    def serve(self, data, log):
        """Start a server on a free port, in this folder."""
        port = free_port()
        root = f"http://127.0.0.1:{port}"
        process = Process([self.binary, "serve", "--listen", f"127.0.0.1:{port}", "--data", data, "--public-url", root],
                          log, env=environment(RUTTER_LOG="warn", **RATES, **self.settings))
        process.wait_for(root + "/readyz")
        return root, process

    def start(self, folder):
        self.data = folder / "data"
        self.root, self.process = self.serve(self.data, folder / "log")
        self.lfs = f"{self.root}/bench/data.git/info/lfs"
        self.password = os.urandom(12).hex()
        self.command("user", "add", "bench", "--email", "bench@example.org", "--admin", "--password-stdin",
                     input=self.password.encode() + b"\n")
        self.token = self.command("token", "add", "bench", "--name", "bench")
        self.authorization = "Basic " + base64.b64encode(f"bench:{self.token}".encode()).decode()
        # A push creates the dataset.
        seed = folder / "seed"
        run("git", "init", "--quiet", "--initial-branch=main", seed)
        run("git", "commit", "--quiet", "--allow-empty", "--message=Start", cwd=seed)
        run("git", "push", "--quiet", f"{self.root}/bench/data.git", "main", cwd=seed, env=self.git_environment())

    def git_environment(self):
        helper = '!f() { [ "$1" != get ] || printf "username=bench\\npassword=%s\\n" "$BENCH_TOKEN"; }; f'
        return environment(BENCH_TOKEN=self.token, GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="credential.helper",
                           GIT_CONFIG_VALUE_0=helper)


class Nginx(Server):
    """Not an LFS server: static files through sendfile, and `git http-backend` through fcgiwrap."""

    name = "nginx"

    def install(self):
        for command, package in (("nginx", "nginx-light"), ("fcgiwrap", "fcgiwrap")):
            if not find(command):
                raise Skip(f"{package} is not installed")

    def start(self, folder):
        port, socket = free_port(), folder / "cgi.sock"
        self.root, self.files, self.repositories = f"http://127.0.0.1:{port}", folder / "files", folder / "git"
        for made in (self.files, self.repositories, folder / "tmp"):
            made.mkdir(parents=True)
        os.chmod(folder, 0o711)
        # fcgiwrap does not wait for its children, so the time they used would be lost; this script notes it.
        backend, self.used = folder / "backend", folder / "used"
        backend.write_text(f"#!/bin/bash\n'{run('git', '--exec-path').strip()}/git-http-backend'\ntimes >>'{self.used}'\n")
        backend.chmod(0o755)
        self.used.touch()
        temporary = "".join(f"  {kind}_temp_path {folder}/tmp/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        owner = "user root;\n" if os.getuid() == 0 else ""
        (folder / "nginx.conf").write_text(f"""{owner}daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; client_max_body_size 0;
{temporary}  server {{
    listen 127.0.0.1:{port};
    location /files/ {{ alias {self.files}/; }}
    location ~ ^/git(/.*)$ {{
      fastcgi_pass unix:{socket}; fastcgi_buffering off; fastcgi_request_buffering off; fastcgi_read_timeout 600;
      fastcgi_param SCRIPT_FILENAME {backend}; fastcgi_param GIT_PROJECT_ROOT {self.repositories};
      fastcgi_param GIT_HTTP_EXPORT_ALL 1; fastcgi_param PATH_INFO $1; fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method; fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param REMOTE_USER bench;
      fastcgi_param REMOTE_ADDR $remote_addr; fastcgi_param SERVER_PROTOCOL $server_protocol;
    }}
  }}
}}
""")
        self.cgi = Process([find("fcgiwrap"), "-c", "4", "-s", f"unix:{socket}"], folder / "log")
        self.process = Process([find("nginx"), "-p", folder, "-c", folder / "nginx.conf"], folder / "log")
        self.process.wait_for(self.root + "/")

    def stop(self):
        super().stop()
        self.cgi.stop()

    @property
    def roots(self):
        return [self.process.pid, self.cgi.pid]

    def cpu(self):
        children = self.used.read_text().splitlines()[1::2]
        spent = [float(m) * 60 + float(s) for line in children for m, s in re.findall(r"(\d+)m([\d.]+)s", line)]
        return super().cpu() + sum(spent)


def find(command):
    return shutil.which(command, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def target_directory():
    chosen = os.environ.get("CARGO_TARGET_DIR")
    return Path(chosen) if chosen else REPOSITORY / "target"


@contextlib.contextmanager
def running(server, folder):
    """A server in an empty folder; it is stopped and the folder deleted whatever happens."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        server.start(folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
