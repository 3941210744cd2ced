"""What the machine tells: processes, processor time, memory, ports, and commands that must succeed."""

import contextlib
import os
import signal
import socket
import statistics
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rutter" / "bench"
MIB = 1 << 20


class Skip(Exception):
    """A rival or a measurement that cannot be had here; the text says why."""


def environment(**more):
    """The environment of every child: no proxies, no git configuration of the user, no locale."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("GIT_", "RUTTER_", "GIFTLESS_", "RUDOLFS_")) and not k.lower().endswith("_proxy")}
    return kept | {
        "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8",
        "GIT_AUTHOR_NAME": "Bench", "GIT_AUTHOR_EMAIL": "bench@example.org", "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
        "GIT_COMMITTER_NAME": "Bench", "GIT_COMMITTER_EMAIL": "bench@example.org",
        "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    } | more


def run(*command, cwd=None, input=None, env=None, timeout=900):
    """The standard output of a command that has to succeed."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, input=input, env=env or environment(),
                          stdin=subprocess.DEVNULL if input is None else None, capture_output=True, timeout=timeout)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise RuntimeError(f"{Path(str(command[0])).name} {' '.join(map(str, command[1:4]))} … failed "
                           f"({done.returncode}): {said[-600:]}")
    return done.stdout.decode(errors="replace")


def python_with(home, *packages):
    """The Python of an environment of its own with packages from PyPI, kept between runs."""
    if not (home / "installed").exists():
        print(f"Installing {packages[0]} …", flush=True)
        try:
            run("python3", "-m", "venv", "--clear", home, env=dict(os.environ))
            run(home / "bin" / "pip", "install", "--quiet", *packages, env=dict(os.environ))
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            raise Skip(f"pip install {packages[0]}: {str(error)[-200:]}") from None
        (home / "installed").touch()
    return home / "bin" / "python"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def median(values):
    return statistics.median(values)


def load():
    """The one-minute load average: what else runs on this machine makes the wall-clock figures worse."""
    return os.getloadavg()[0]


def processes(roots):
    """The ids of some processes and of all that descend from them."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                fields = Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()
                children.setdefault(int(fields[1]), []).append(int(entry))
    found, todo = [], list(roots)
    while todo:
        found.append(pid := todo.pop())
        todo += children.get(pid, [])
    return found


def cpu_seconds(roots):
    """Processor time, user and system, of process trees, with that of children that have ended."""
    total = 0
    for pid in processes(roots):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def memory(roots, key="VmRSS"):
    """MiB of process trees: VmRSS now, or VmHWM, the sum of each process' highest."""
    return sum(memory_of(pid, key) for pid in processes(roots))


def memory_of(pid, key):
    """The same of one process; 0 if it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


class Peak:
    """Samples the memory of process trees while its block runs: `mib` is the highest of all together, `own` that of a
    root alone, as the kernel has kept it. (What it keeps for `wait4` counts who started the process too.)"""

    def __init__(self, roots, interval=0.02):
        self.roots, self.interval, self.mib, self.own, self.over = roots, interval, 0.0, 0.0, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()
        return self

    def sample(self):
        while not self.over.is_set():
            self.mib = max(self.mib, memory(self.roots))
            self.own = max(self.own, *(memory_of(pid, "VmHWM") for pid in self.roots))
            self.over.wait(self.interval)

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Process:
    """A server process in the background: started, awaited, and ended by its own id."""

    def __init__(self, command, log, env=None, cwd=None):
        self.log = Path(log)
        with open(log, "ab") as out:
            self.child = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=out, env=env or environment(), cwd=cwd)
        self.pid = self.child.pid

    def said(self):
        return self.log.read_text(errors="replace")[-600:]

    def wait_for(self, url, seconds=30):
        """Until the address answers anything at all."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.child.poll() is not None:
                raise RuntimeError(f"ended with status {self.child.returncode}: {self.said()}")
            try:
                opener.open(url, timeout=2).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"no answer from {url}: {self.said()}")

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
