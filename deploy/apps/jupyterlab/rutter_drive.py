"""The owner's data in rutter, for notebooks and for JupyterLab's file browser.

    from rutter_drive import drive
    drive.list("ada/air-quality")
    text = drive.read("ada/air-quality/readings.csv").decode()
    drive.download("ada/air-quality/large.parquet", "/storage/large.parquet")
    drive.write("ada/air-quality/result.csv", b"a,b\\n1,2\\n")

A path is the dataset, then the path in it. Every call is made with an access token that acts for the owner of this
install, within what the owner allowed it: rutter checks each.
"""

import base64
import contextlib
import http.client
import json
import os
import shutil
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import quote, urlencode

# How long the list of datasets is kept, in seconds.
LIST_SECONDS = 10


class DriveError(Exception):
    """rutter refuses a request. `status` is that of HTTP."""

    def __init__(self, status, detail):
        super().__init__(detail)
        self.status = status


class NothingGiven(DriveError):
    """The owner has not allowed this app anything, or nothing any longer."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would send the access token to another server."""

    def redirect_request(self, *_):
        return None


class Drive:
    """The API of rutter, with the client of this install."""

    def __init__(self):
        self.url, self.user = os.environ["RUTTER_API_URL"], os.environ["RUTTER_USER"]
        self.client, self.secret = os.environ["RUTTER_CLIENT_ID"], os.environ["RUTTER_CLIENT_SECRET"]
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
        self.lock, self.access, self.expires, self.scopes = threading.Lock(), None, 0, set()
        self.known, self.known_until = [], 0

    # Requests.

    def token(self, refused=None):
        """Returns an access token: that of before, unless it is about to expire, or was refused."""
        with self.lock:
            if time.monotonic() > self.expires or (refused and refused == self.access):
                login = base64.b64encode(f"{quote(self.client)}:{quote(self.secret)}".encode()).decode()
                body = urlencode({"grant_type": "client_credentials"}).encode()
                try:
                    with self.open("POST", "/oauth/token", body, Authorization=f"Basic {login}") as answer:
                        tokens = json.load(answer)
                except DriveError as error:
                    if error.status != 400:
                        raise
                    self.access = None
                    raise NothingGiven(403, "this app has no files: in rutter, open a file or folder with it") from error
                self.access, self.expires = tokens["access_token"], time.monotonic() + tokens["expires_in"] - 60
                self.scopes = set(tokens.get("scope", "").split())
            return self.access

    @contextlib.contextmanager
    def open(self, method, path, body=None, /, **headers):
        """Opens the answer to one request."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            answer = self.opener.open(urllib.request.Request(self.url + path, body, headers, method=method), timeout=120)
        except urllib.error.HTTPError as error:
            detail = error.reason
            with contextlib.suppress(ValueError):
                problem = json.loads(error.read())
                detail = problem.get("detail") or problem.get("error_description") or detail
            raise DriveError(error.code, detail) from error
        except (OSError, http.client.HTTPException) as error:
            raise DriveError(503, f"rutter does not answer: {error}") from error
        with answer:
            yield answer

    @contextlib.contextmanager
    def request(self, method, path, body=None, /, **headers):
        """Opens the answer to a request that acts for the owner."""
        access = self.token()
        with contextlib.ExitStack() as stack:
            try:
                answer = stack.enter_context(self.open(method, path, body, Authorization=f"Bearer {access}", **headers))
            except DriveError as error:
                # The login ends when the consent changes; a new token is for what is allowed now.
                if error.status != 401 or hasattr(body, "read"):
                    raise
                access = self.token(refused=access)
                answer = stack.enter_context(self.open(method, path, body, Authorization=f"Bearer {access}", **headers))
            yield answer

    def json(self, method, path, body=None):
        """Makes a request with JSON, if any, and returns that of the answer."""
        body = None if body is None else json.dumps(body).encode()
        with self.request(method, path, body, Content_Type="application/json") as answer:
            return json.load(answer)

    def call(self, method, place, kind, body=None, /, **query):
        """Makes a request about a place: a dataset, and a path in it."""
        return self.json(method, self.address(place, kind, **query), body)

    @staticmethod
    def address(place, kind, /, **query):
        dataset, path = place
        query = {name: value for name, value in query.items() if value is not None}
        path = f"/{quote(path)}" if path else ""
        return f"/api/v1/drive/{quote(dataset)}/{kind}{path}" + (f"?{urlencode(query)}" if query else "")

    # Places.

    def datasets(self):
        """Returns the datasets with something for this app: of what it was given, and with `read` also the owner's."""
        if time.monotonic() > self.known_until:
            try:
                found = {item["dataset"] for item in self.json("GET", "/api/v1/oauth/paths")["items"]}
            except NothingGiven:
                return []
            if self.scopes & {"read", "write"}:
                found.add(f"{self.user}/drive")
                query = {"owner": self.user, "limit": 1000}
                found |= {item["id"] for item in self.json("GET", f"/api/v1/datasets?{urlencode(query)}")["items"]}
            self.known, self.known_until = sorted(found), time.monotonic() + LIST_SECONDS
        return self.known

    def place(self, path):
        """Splits a path into the dataset and the path in it. Owners can have several parts."""
        parts = [part for part in path.split("/") if part]
        if any(part in (".", "..") for part in parts):
            raise DriveError(404, f"there is no {path}")
        known = self.datasets()
        for length in range(len(parts), 1, -1):
            if "/".join(parts[:length]) in known:
                return "/".join(parts[:length]), "/".join(parts[length:])
        if len(parts) < 2:
            raise DriveError(404, f"{path} is not a dataset: write OWNER/DATASET/PATH")
        return "/".join(parts[:2]), "/".join(parts[2:])

    # For notebooks.

    def entries(self, place):
        """Returns what is in a folder."""
        found, cursor = [], None
        while True:
            listed = self.call("GET", (place[0], ""), "list", path=place[1] or None, limit=1000, cursor=cursor)
            found += listed["items"]
            cursor = listed.get("next_cursor")
            if not cursor:
                return found

    def list(self, path=""):
        """Returns the paths in a folder; without a folder, the datasets."""
        if not path.strip("/"):
            return list(self.datasets())
        place = self.place(path)
        return [f"{place[0]}/{entry['path']}" for entry in self.entries(place)]

    def read(self, path, revision=None):
        """Returns the content of a file."""
        with self.request("GET", self.address(self.place(path), "content", revision=revision)) as answer:
            return answer.read()

    def download(self, path, target, revision=None):
        """Writes the content of a file, of any size, to a file of this machine."""
        with self.request("GET", self.address(self.place(path), "content", revision=revision)) as answer:
            with open(target, "wb") as file:
                shutil.copyfileobj(answer, file, 1 << 20)

    def write(self, path, content, message=None):
        """Writes a file as a new revision; `content` is bytes, or a file that is open for reading bytes."""
        size = os.fstat(content.fileno()).st_size if hasattr(content, "read") else len(content)
        message = message or f"Write {path.rsplit('/', 1)[-1]} in JupyterLab"
        address = self.address(self.place(path), "files", message=message)
        headers = {"Content_Length": str(size), "Content_Type": "application/octet-stream"}
        with self.request("PUT", address, content, **headers) as answer:
            return json.load(answer)["entry"]


drive = Drive()
