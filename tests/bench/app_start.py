"""How long an app in a container takes to start and to go on after a pause, beside the same at the engine itself.

It starts itself again in scripts/docker.sh, where there is an engine of its own, and prints figures as JSON there."""

import http.client
import json
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from machine import Skip, environment, free_port, median, run
from servers import REPOSITORY, Rutter, find, running
from versions import Api

# What is started each time: without a volume, and with one.
KINDS = {"": "", " with volume": "/storage"}
PROGRAMS = {"dockerd": "docker.io", "docker": "docker.io", "docker-registry": "docker-registry",
            "iptables": "iptables", "nft": "nftables", "ip": "iproute2"}
# Turns in each round, and the seconds within which everything has to be done.
TURNS, TIMEOUT, LIMIT = 5, 60, 1800
# How often to look whether something answers.
INTERVAL = 0.005
NETWORK, SUBNET, ADDRESS, PORT = "bench", "10.214.0.0/24", "10.214.0.2", 8000


def until(what, found):
    """Waits until something is true."""
    end = time.monotonic() + TIMEOUT
    while not found():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {TIMEOUT} seconds")
        time.sleep(INTERVAL)


def milliseconds(*steps):
    """How long these take, one after the other."""
    begin = time.monotonic()
    for step in steps:
        step()
    return (time.monotonic() - begin) * 1000


def get(address, path, headers):
    """The status and the text of a response to a new connection; 0 if none can be opened."""
    with closing(http.client.HTTPConnection(address, timeout=TIMEOUT)) as connection:
        try:
            connection.request("GET", path, headers=headers)
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        except OSError:
            return 0, ""


class Engine:
    """The engine as a user has it: the `docker` command."""

    def __init__(self, socket, image, folder):
        self.command, self.image = [find("docker"), "--host", f"unix://{socket}"], image
        self.environment = environment(DOCKER_CONFIG=str(folder / "docker"))
        self("network", "create", "--subnet", SUBNET, NETWORK)

    def __call__(self, *arguments):
        return run(*self.command, *arguments, env=self.environment)

    def start(self, volume):
        mount = ["--volume", f"bench:{volume}"] if volume else []
        self("run", "--detach", "--name", "bench", "--network", NETWORK, "--ip", ADDRESS, *mount, self.image)

    def answer(self):
        until("docker run", lambda: get(f"{ADDRESS}:{PORT}", "/healthz", {})[0] == 200)

    def turn(self, name, volume):
        """Starts it, lets it pause and go on, and removes it."""
        figures = {f"app start{name} ms": milliseconds(lambda: self.start(volume), self.answer)}
        if not volume:
            self("pause", "bench")
            figures["app unpause ms"] = milliseconds(lambda: self("unpause", "bench"), self.answer)
        self("rm", "--force", "bench")
        return figures


class RutterInDocker(Rutter):
    """Ours on that engine, with an app of each kind."""

    def __init__(self, socket, image):
        self.image = image
        # Commands, too, check that apps are on another host than the pages.
        self.settings = {
            "RUTTER_APPS__URL": "http://apps.localhost", "RUTTER_APPS__WILDCARD": "true",
            "RUTTER_APPS__BACKEND": "docker", "RUTTER_APPS__DOCKER__SOCKET": socket,
            "RUTTER_APPS__LISTEN": f"0.0.0.0:{free_port()}", "RUTTER_PUBLIC_URL": "http://127.0.0.1"}

    def start(self, folder):
        super().start(folder)
        try:
            self.api = Api(self)
            for volume in KINDS.values():
                self.add_app(folder, app_of(volume), volume)
        except BaseException:
            self.stop()
            raise

    def add_app(self, folder, app, volume):
        """Installs it, which downloads its image, and stops it."""
        manifest = folder / "manifest.toml"
        manifest.write_text(f'name = "{app}"\ntitle = "{app}"\nimage = "{self.image}"\nhealth = "/healthz"\n'
                            + (f'volume = "{volume}"\n' if volume else ""))
        self.command("app", "add", manifest)
        digest = self.api.call("GET", f"catalogue/{app}?resolve=true")["digest"]
        self.api.call("POST", "apps/bench", {"app": app, "name": app, "digest": digest})
        self.until(app, "running")
        self.want(app, "stopped")

    def get(self, app, path):
        """What the app proxy answers to the owner."""
        headers = {"Host": f"{app}--bench.apps.localhost", "Authorization": f"Bearer {self.token}"}
        return get(urlsplit(self.root).netloc, path, headers)

    def until(self, app, state):
        """Waits for a state as the page does that waits. That is no use of the app, which would start it."""
        def reached():
            status, said = self.get(app, "/_rutter/state")
            found = json.loads(said)["state"] if status == 200 else f"answered with {status}: {said[:300]}"
            if found != state and found not in ("installing", "starting", "running", "paused", "stopped"):
                raise RuntimeError(f"{app} is {found}, not {state}")
            return found == state
        until(f"{app}: {state}", reached)

    def want(self, app, state):
        self.api.call("PUT", f"apps/bench/{app}/wanted", {"wanted": state})
        self.until(app, state)

    def answer(self, app):
        status, said = self.get(app, "/healthz")
        if status != 200:
            raise RuntimeError(f"{app} was answered with {status}: {said[:300]}")

    def turn(self, name, volume):
        """Starts it, lets it pause and go on at a request, and stops it."""
        app = app_of(volume)
        figures = {f"app start{name} ms": milliseconds(lambda: self.want(app, "running"), lambda: self.answer(app))}
        if not volume:
            self.want(app, "paused")
            figures["app unpause ms"] = milliseconds(lambda: self.answer(app))
        self.want(app, "stopped")
        return figures


def app_of(volume):
    return "stored" if volume else "plain"


def inside(folder, turns):
    """The figures of the engine and of ours, which take turns."""
    socket, image = os.environ["RUTTER_TEST_DOCKER"], os.environ["RUTTER_TEST_REGISTRY"] + "/probe:1"
    with running(RutterInDocker(socket, image), folder) as server:
        those, rows = {"docker run": Engine(socket, image, folder), "rutter": server}, []
        # The first turn only warms up.
        for _ in range(turns + 1):
            row = {key: {} for key in those}
            for name, volume in KINDS.items():
                for key, of in those.items():
                    row[key] |= of.turn(name, volume)
            rows.append(row)
    rows = rows[1:]
    figures = {key: {name: median(row[key][name] for row in rows) for name in rows[0][key]} for key in those}
    for name in KINDS:
        key = f"app start{name} ms"
        figures["rutter"][f"app start{name} above docker run ms"] = median(
            row["rutter"][key] - row["docker run"][key] for row in rows)
    return figures


def measure(server, plan):
    """The same from outside. Built before, because the engine's network reaches nothing."""
    if os.getuid() != 0:
        raise Skip("a container engine needs root")
    if missing := sorted({package for program, package in PROGRAMS.items() if not find(program)}):
        raise Skip(f"{', '.join(missing)} not installed")
    try:
        run("unshare", "--net", "--mount", "--pid", "--fork", "true")
    except RuntimeError as error:
        raise Skip(f"no namespaces for a container engine: {error}") from None
    server.install()
    command = [REPOSITORY / "scripts" / "docker.sh", sys.executable, __file__, plan.work / "server",
               str(plan.rounds * TURNS)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=dict(os.environ)) as child:
        try:
            said, error = child.communicate(timeout=LIMIT)
        finally:
            # Gently, so that the script removes its folder.
            child.terminate()
    if child.returncode != 0:
        raise RuntimeError(f"docker.sh ended with {child.returncode}: {error.strip()[-600:]}")
    return json.loads(said)


if __name__ == "__main__":
    try:
        print(json.dumps(inside(Path(sys.argv[1]), int(sys.argv[2]))))
    except (RuntimeError, OSError) as reason:
        sys.exit(str(reason))
