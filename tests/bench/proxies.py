"""Proxies in front of the same two servers: ours, nginx, and npm's configurable-http-proxy, which JupyterHub uses. All
run at the same time, so that the machine is as busy for one as for another; those that are not measured are idle."""

import contextlib
import http.client
import json
import os
import re
import sys
import time
from contextlib import closing
from urllib.parse import urlsplit

from loads import HERE, random_file
from machine import Process, Skip, environment, free_port
from oauth import OidcProvider, ask
from servers import Rutter, Server, find
from versions import Api

BODY = "x" * 1023 + "\n"
# What all these servers share: they keep connections, and log nothing.
COMMON = "access_log off; keepalive_requests 100000000; client_max_body_size 0; etag off;"


def nginx(folder, http, workers):
    """Starts an nginx with this configuration of its servers."""
    folder.mkdir()
    os.chmod(folder, 0o711)
    temporary = "".join(f"  {kind}_temp_path {folder}/{kind};\n"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    owner = "user root;\n" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(f"""{owner}daemon off; pid {folder}/pid; error_log {folder}/error;
worker_processes {workers}; worker_rlimit_nofile 16384;
events {{ worker_connections 4096; }}
http {{
  {COMMON} sendfile on; tcp_nodelay on;
{temporary}{http}}}
""")
    return Process([find("nginx"), "-p", folder, "-c", folder / "nginx.conf"], folder / "log")


class Direct(Server):
    """The two servers behind the proxies: nginx for what is small or a file, and a program that reads uploads and
    returns frames of WebSockets."""

    name = "machine"

    def start(self, folder, plan, undo):
        self.static, self.echo = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.root, (file, _) = self.static, random_file(plan.big, 0)
        self.process = nginx(folder / "static", f"""  server {{
    listen {urlsplit(self.static).netloc};
    location = /small {{ default_type text/plain; return 200 "{BODY[:-1]}\\n"; }}
    location = /big {{ default_type application/octet-stream; alias {file}; }}
  }}
""", 1)
        undo.callback(self.process.stop)
        port = urlsplit(self.echo).port
        self.program = Process([sys.executable, HERE / "app_upstream.py", port], folder / "echo.log")
        undo.callback(self.program.stop)
        self.process.wait_for(self.static + "/small")
        self.program.wait_for(self.echo)

    def place(self, path):
        """The URL of a path, and the headers for it."""
        return (self.echo if path.startswith("/echo/") else self.static) + path, {}

    @property
    def roots(self):
        return [self.process.pid, self.program.pid]


class Rival(Server):
    """Another proxy."""

    def place(self, path):
        return self.root + path, {}


class NginxProxy(Rival):
    """It does not wait for the ends of bodies, as ours; with larger buffers than usual, which make it faster."""

    name = "nginx"

    def start(self, folder, direct, undo):
        port = free_port()
        self.root = f"http://127.0.0.1:{port}"
        kept = "keepalive 64; keepalive_requests 100000000;"
        self.process = nginx(folder / "proxy", f"""  map $http_upgrade $onward {{ default upgrade; '' ''; }}
  upstream static {{ server {urlsplit(direct.static).netloc}; {kept} }}
  upstream echo {{ server {urlsplit(direct.echo).netloc}; {kept} }}
  proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 600;
  proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $onward;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://static; }}
    location = /big {{ proxy_buffer_size 64k; proxy_buffers 4 64k; proxy_pass http://static; }}
    location /echo/ {{ client_body_buffer_size 64k; proxy_pass http://echo; }}
  }}
""", "auto")
        undo.callback(self.process.stop)
        self.process.wait_for(self.root + "/small")


class ConfigurableHttpProxy(Rival):
    name = "configurable-http-proxy"
    program = OidcProvider.home / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"

    def install(self):
        # It is one of the same packages.
        OidcProvider().install()

    def start(self, folder, direct, undo):
        port, api, token = free_port(), free_port(), os.urandom(16).hex()
        self.root = f"http://127.0.0.1:{port}"
        self.process = Process([find("node"), self.program, "--ip", "127.0.0.1", "--port", port,
                                "--api-ip", "127.0.0.1", "--api-port", api, "--default-target", direct.static,
                                "--log-level", "error"],
                               folder / "rival.log",
                               env=environment(CONFIGPROXY_AUTH_TOKEN=token, NODE_ENV="production"))
        undo.callback(self.process.stop)
        self.process.wait_for(self.root + "/small")
        with closing(http.client.HTTPConnection("127.0.0.1", api, timeout=10)) as connection:
            connection.request("POST", "/api/routes/echo", json.dumps({"target": direct.echo}),
                               {"Authorization": f"token {token}"})
            if (status := connection.getresponse().status) != 201:
                raise RuntimeError(f"{self.name}: a route was answered with {status}")


class App:
    """Apps of ours that are servers which exist, as one who may use them reaches them."""

    def __init__(self, server, visibility, cookie):
        self.name, self.root, self.cpu = server.name, server.root, server.cpu
        self.visibility, self.cookie = visibility, cookie

    def place(self, path):
        label = f"{'echo' if path.startswith('/echo/') else 'static'}-{self.visibility}"
        host = f"{label}--bench.apps.localhost"
        return self.root + path, {"Host": host} | ({"Cookie": self.cookie(label)} if self.cookie else {})


class RutterApps(Rutter):
    """Ours, with those two servers as apps: once for everyone, and once for one user. The others run beside it."""

    # All the load is from one address. The proxy does not look at the port of a host. Commands, too, check that apps
    # are on another host than the pages.
    settings = {"RUTTER_APPS__URL": "http://apps.localhost", "RUTTER_APPS__WILDCARD": "true",
                "RUTTER_RATES__CONNECTIONS_ADDRESS": "0", "RUTTER_PUBLIC_URL": "http://127.0.0.1"}

    def __init__(self, plan):
        self.plan = plan

    def install(self):
        super().install()
        if not find("nginx"):
            raise Skip("nginx-light is not installed")

    def start(self, folder):
        self.folder, self.cookies, self.rivals, self.process = folder, {}, [], None
        with contextlib.ExitStack() as undo:
            undo.callback(lambda: self.process and self.process.stop())
            super().start(folder)
            self.direct = Direct()
            self.direct.start(folder, self.plan, undo)
            for rival in (NginxProxy(), ConfigurableHttpProxy()):
                try:
                    rival.install()
                except Skip as reason:
                    print(f"  {rival.name} skipped: {reason}", flush=True)
                    continue
                rival.start(folder, self.direct, undo)
                self.rivals.append(rival)
            self.add_apps()
            self.undo = undo.pop_all()
        self.public, self.private = App(self, "public", None), App(self, "private", self.cookies.get)

    def stop(self):
        self.undo.close()

    def add_apps(self):
        """The two servers in the catalogue, and installed twice each."""
        api, session = Api(self), self.sign_in()
        for app, upstream in (("static", self.direct.static), ("echo", self.direct.echo)):
            manifest = self.folder / "manifest.toml"
            manifest.write_text(f'name = "{app}"\ntitle = "{app}"\nkind = "service"\nupstream = "{upstream}"\n'
                                'widest = "public"\nidentity = true\n')
            self.command("app", "add", manifest)
            for visibility in ("public", "private"):
                name = f"{app}-{visibility}"
                api.call("POST", "apps/bench", {"app": app, "name": name})
                api.call("PATCH", f"apps/bench/{name}", {"visibility": visibility})
                end = time.monotonic() + 30
                while api.call("GET", f"apps/bench/{name}")["state"] != "running":
                    if time.monotonic() > end:
                        raise RuntimeError(f"{name} does not run")
                    time.sleep(0.05)
            self.cookies[f"{app}-private"] = self.enter(f"{app}-private--bench.apps.localhost", session)

    def sign_in(self):
        """The session of a browser."""
        reply, said = ask(self, "POST", "/api/v1/session", {"Content-Type": "application/json"},
                          json.dumps({"login": "bench", "password": self.password}))
        if reply.status != 200:
            raise RuntimeError(f"signing in was answered with {reply.status}: {said[:300]}")
        return reply.headers["Set-Cookie"].split(";")[0]

    def enter(self, host, session):
        """The cookie of an app, as a browser gets it."""
        url, cookies = f"http://{host}/", {host: [], urlsplit(self.root).netloc: [session]}
        for _ in range(5):
            parts = urlsplit(url)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            own = cookies[parts.netloc]
            headers = {"Host": parts.netloc, "Cookie": "; ".join(own), "Accept": "text/html"}
            reply, said = ask(self, "GET", path, headers)
            own += [line.split(";")[0] for line in reply.headers.get_all("Set-Cookie", [])]
            if found := [cookie for cookie in own if re.match(r"rutter-app=", cookie)]:
                return found[0]
            url = reply.headers["Location"]
            if not url:
                raise RuntimeError(f"entering {host} was answered with {reply.status}: {said[:300]}")
        raise RuntimeError(f"entering {host} ends at {url}")

    def start_again(self):
        """Starts the server on the same data, after it was stopped."""
        self.root, self.process = self.serve(self.data, self.folder / "log")
