"""The rendered environment, read by the server itself: a misspelt key, or a value that it cannot parse, stops it.

The server runs with what the pod would have: the variables of Deployment, ConfigMap and Secret, the configuration file,
and the service links that Kubernetes adds for a Service named `rutter`. Only paths and addresses are different. With
RUTTER_TEST_POSTGRES, each installation has a database of its own there; without, `storage: external` must fail at the
database, and not before. There is no bucket and no cluster."""

import http.client
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from rendered import VALUES, documented, environment_of, only, render, values_of

BINARY = os.environ["RUTTER_BIN"]
POSTGRES = os.environ.get("RUTTER_TEST_POSTGRES")
# Of a Service `rutter` at port 8080, as in the documentation of Kubernetes.
SERVICE_LINKS = {
    "RUTTER_SERVICE_HOST": "10.96.12.7",
    "RUTTER_SERVICE_PORT": "8080",
    "RUTTER_SERVICE_PORT_HTTP": "8080",
    "RUTTER_PORT": "tcp://10.96.12.7:8080",
    "RUTTER_PORT_8080_TCP": "tcp://10.96.12.7:8080",
    "RUTTER_PORT_8080_TCP_PROTO": "tcp",
    "RUTTER_PORT_8080_TCP_PORT": "8080",
    "RUTTER_PORT_8080_TCP_ADDR": "10.96.12.7",
}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def new_database():
    """Creates a database; returns its URL."""
    name = f"deploy_{uuid.uuid4().hex}"
    url = urlsplit(POSTGRES)
    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))
    psql = str(tools[-1]) if tools else "psql"
    subprocess.run([psql, "--quiet", "--dbname", POSTGRES, "--command", f"CREATE DATABASE {name}"], check=True)
    return url._replace(path=f"/{name}").geturl()


class Server:
    """The server, with the environment of a pod, in a temporary folder."""

    def __init__(self, folder, objects, changes=()):
        self.folder, self.port = Path(folder), free_port()
        # The last one counts, as in Kubernetes.
        variables = {**dict(environment_of(objects)), **dict(changes)}
        if POSTGRES and "RUTTER_DATABASE_URL" in variables:
            variables["RUTTER_DATABASE_URL"] = new_database()
        for name, path in (("RUTTER_DATA", "data"), ("RUTTER_CACHE", "cache")):
            assert variables[name] == f"/{path}", f"{name} is {variables[name]}"
            variables[name] = str(self.folder / path)
        assert variables["RUTTER_LISTEN"] == "0.0.0.0:8080"
        variables["RUTTER_LISTEN"] = f"127.0.0.1:{self.port}"
        if "RUTTER_CONFIG" in variables:
            text = only(objects, "ConfigMap", "rutter-file")["data"]["rutter.toml"]
            (self.folder / "example").write_text("secret of the provider")
            (self.folder / "rutter.toml").write_text(text.replace("/etc/rutter/secrets", str(self.folder)))
            variables["RUTTER_CONFIG"] = str(self.folder / "rutter.toml")
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            # Without the environment of this process.
            self.process = subprocess.Popen(
                [BINARY, "serve"], env={"PATH": os.environ["PATH"], "HOME": folder, **variables},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def status(self, path):
        """Returns the status of a request; None if the server does not listen."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def outcome(self):
        """Waits; returns `serves`, or the message with which the server stopped."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return self.log.read_text().strip().splitlines()[-1]
            if self.status("/healthz") == 200:
                return "serves"
            time.sleep(0.05)
        raise AssertionError(f"the server neither serves nor stops:\n{self.log.read_text()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            # Nothing is being transferred.
            try:
                self.process.wait(20)
            finally:
                self.process.kill()


class Environment(unittest.TestCase):
    def run_with(self, values, changes=()):
        """Returns the outcome and the status of /readyz."""
        with tempfile.TemporaryDirectory() as folder, Server(folder, render(values), changes) as server:
            outcome = server.outcome()
            return outcome, server.status("/readyz") if outcome == "serves" else None

    def test_the_server_reads_every_environment(self):
        serving = 0
        for name in VALUES:
            for links in ({}, SERVICE_LINKS):
                with self.subTest(values=name, links=bool(links)):
                    values = values_of(name)
                    outcome, ready = self.run_with(values, links)
                    if outcome != "serves":
                        # It has read the configuration, and lacks what is not here.
                        missing = []
                        if name.startswith("apps"):
                            missing.append("kubernetes")
                        if values.get("storage") == "external" and not POSTGRES:
                            missing.append("cannot connect to the database")
                        self.assertTrue(any(one in outcome.lower() for one in missing), outcome)
                        self.assertNotIn("configuration:", outcome)
                        continue
                    serving += 1
                    # There is no bucket.
                    self.assertEqual(ready, 503 if values.get("storage") == "external" else 200)
        # All without apps.
        self.assertGreaterEqual(serving, 2 * (6 if POSTGRES else 4))

    def test_the_server_reads_the_examples_of_the_documentation(self):
        self.assertEqual(self.run_with(documented()["base"]), ("serves", 200))
        outcome, _ = self.run_with(documented()["apps"])
        self.assertTrue(outcome == "serves" or "kubernetes" in outcome.lower(), outcome)

    def test_the_server_refuses_what_it_does_not_know(self):
        for values, changes, reason in [
            ({"config": {"RUTTER_LISTEM": "127.0.0.1:1"}}, {}, "listem"),
            ({"config": {"RUTTER_LIMITS__TRANSFER": 5}}, {}, "transfer"),
            ({"config": {"RUTTER_APPS__MEMORY": 512}}, {}, "memory"),
            ({"config": {"RUTTER_APPS__KUBERNETES__NAMESPACES": "a"}}, {}, "namespaces"),
            ({"config": {"RUTTER_APPS__URL": "https://data.example.org", "RUTTER_PUBLIC_URL": "https://data.example.org"}},
             {}, "another host"),
            ({"config": {"RUTTER_LIMITS__TRANSFERS": "many"}}, {}, "transfers"),
            ({"config": {"RUTTER_TRUSTED_PROXIES": ["10.0.0.0"]}}, {}, "trusted_proxies"),
            ({"secret": {"RUTTER_SECRET": "short"}}, {}, "at least 32 characters"),
            ({"configFile": "unknown = 1\n"}, {}, "unknown"),
            # A port number is not a service link.
            ({}, {**SERVICE_LINKS, "RUTTER_PORT": "8080"}, "port"),
        ]:
            with self.subTest(values=values, changes=changes):
                outcome, _ = self.run_with(values, changes)
                self.assertNotEqual(outcome, "serves")
                self.assertIn(reason, outcome.lower())



if __name__ == "__main__":
    unittest.main()
