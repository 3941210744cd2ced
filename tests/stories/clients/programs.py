"""Programs that the stories run: applications, and the provider that they are tried with first."""

import contextlib
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time

import requests

# The folder of the story.
here = pathlib.Path(sys.argv[0]).parent
server = os.environ["SERVER"]


def free_port():
    """Returns a port below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def wait_for(what, happened, seconds=60):
    """Waits until this is true; returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happened():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: it did not happen in {seconds} seconds")


def later(seconds):
    """Lets time pass at rutter."""
    print("later", seconds, flush=True)
    assert input() == "done"


def answers(url):
    """Returns true if a server answers, and not that there is no such page."""
    with contextlib.suppress(requests.ConnectionError, requests.Timeout):
        return requests.get(url, allow_redirects=False, timeout=5).status_code != 404


@contextlib.contextmanager
def running(command, url=None, environment=(), folder=None, **more):
    """Runs a program until the end of the block. What it prints is shown if the block fails."""
    common = {"PATH": os.environ["PATH"], "HOME": folder or here, "NO_PROXY": "127.0.0.1"}
    environment = {**common, "PYTHONDONTWRITEBYTECODE": "1", **dict(environment)}
    with tempfile.TemporaryFile("w+") as log:
        # It does not outlive this process.
        command = ["setpriv", "--pdeathsig", "KILL", *map(str, command)]
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **more}
        program = subprocess.Popen(command, env=environment, cwd=folder or here, **streams)
        try:
            if url:
                def is_up():
                    assert program.poll() is None, f"{command} ended with {program.returncode}"
                    return answers(url)
                wait_for(f"{command} answers at {url}", is_up)
            yield program
        except BaseException:
            log.seek(0)
            print(f"--- {' '.join(command)}:\n{log.read()}", file=sys.stderr)
            raise
        finally:
            # JupyterHub takes three seconds to shut down.
            program.kill()
            program.wait()


@contextlib.contextmanager
def control(clients, **variables):
    """Runs npm's oidc-provider with these clients; returns its issuer."""
    variables["CLIENTS"] = json.dumps(clients)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with running(["node", f"{os.environ['PACKAGES']}/provider.mjs"], environment=variables, **pipes) as program:
        issuer = program.stdout.readline().strip()
        assert issuer, "oidc-provider did not start"
        yield issuer


def as_owner(method, path, body=None):
    """Makes a request to rutter's API as the owner of the organisation `org`."""
    headers = {"Authorization": f"Bearer {os.environ['OWNER']}"}
    answer = requests.request(method, f"{server}/api/v1{path}", headers=headers, json=body)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None
