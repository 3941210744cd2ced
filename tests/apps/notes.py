"""The sample app `deploy/apps/notes`, through the eight steps of docs/apps.md.

    1 write the manifest   2 build the image   3 push it   4 add it to the catalogue   5 install it
    6 sign in   7 read and write files   8 open a file with it, and withdraw the access

RUTTER_URL, LOGIN and PASSWORD: the server, and a user. With APP_URL, the app runs there, and the steps begin at 6.
Otherwise REGISTRY is a registry on loopback, DOCKER_HOST the engine, BASE_IMAGE an image with Python on it, and ADMIN a
token of an administrator. PYTHONPATH has tests/stories/clients. Packages: requests, websockets.
"""

import html.parser
import os
import pathlib
import re
import secrets
import socket
import subprocess
import time
import tomllib
from urllib.parse import urlencode, urljoin, urlsplit

import requests
import websockets.sync.client
from browser import Browser, query_of

RUTTER, LOGIN = os.environ["RUTTER_URL"], os.environ["LOGIN"]
SOURCE = pathlib.Path(__file__).resolve().parents[2] / "deploy/apps/notes"

resolve = socket.getaddrinfo
# As browsers do (RFC 6761).
socket.getaddrinfo = lambda host, *more, **named: resolve(
    "127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named)


class Fields(html.parser.HTMLParser):
    """The forms of a page: address → fields."""

    def __init__(self, page):
        super().__init__()
        self.forms, self.links, self.area, self.locked, self.scripts = {}, [], None, False, 0
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.action = attributes["action"]
            self.forms[self.action] = {}
        elif tag == "input":
            self.forms[self.action][attributes["name"]] = attributes["value"]
        elif tag == "textarea":
            self.area, self.locked = attributes.get("name", "text"), "readonly" in attributes
            self.forms.setdefault(getattr(self, "action", ""), {})[self.area] = ""
        elif tag == "a":
            self.links.append(attributes["href"])
        elif tag == "script":
            self.scripts += 1

    def handle_data(self, data):
        if self.area:
            self.forms[getattr(self, "action", "")][self.area] += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            form = self.forms[getattr(self, "action", "")]
            # Browsers leave out the first line break.
            form[self.area], self.area = form[self.area].removeprefix("\n"), None


class User(Browser):
    """A browser with a user, who gives the app these paths when it asks."""

    gives, visited = (), ()

    def use_page(self, url):
        if url.startswith(f"{RUTTER}/oauth/consent#"):
            answer = {"allow": True, "paths": list(self.gives)}
            return self.rutter("POST", f"/api/v1/oauth/requests/{url.split('#')[1]}", answer).json()["location"]
        return super().use_page(url)

    def visit(self, url, form=None, until=None):
        """Opens a page, or sends a form; returns where it ends, or the first URL with the text `until`, not opened."""
        self.visited = []
        for _ in range(20):
            self.visited.append(url)
            host = urlsplit(url).hostname
            assert host in ("127.0.0.1", "localhost") or host.endswith(".localhost"), f"led to {url}"
            if until and until in url:
                return url
            if after := self.use_page(url):
                url = urljoin(url, after)
                continue
            answer = self.send("POST" if form else "GET", url, data=form, headers={"Accept": "text/html"})
            if not answer.is_redirect:
                return answer
            url, form = urljoin(url, answer.headers["Location"]), None
        raise AssertionError(f"too many redirects: {self.visited}")

    def put(self, path, content):
        """Writes a file of the user's drive; returns its revision."""
        url = f"{RUTTER}/api/v1/drive/{LOGIN}/drive/files/{path}"
        answer = self.send("PUT", url, data=content.encode(), headers={"Origin": RUTTER})
        assert answer.ok, answer.text
        return answer.json()["revision"]

    def read(self, path):
        answer = self.send("GET", f"{RUTTER}/api/v1/drive/{LOGIN}/drive/content/{path}")
        assert answer.ok, answer.text
        return answer.content.decode()


def step(number, what):
    print(f"step {number}: {what}", flush=True)


def as_admin(method, path, body=None):
    answer = requests.request(method, RUTTER + path, json=body, headers={"Authorization": f"Bearer {os.environ['ADMIN']}"})
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer


def install(user, name):
    """Steps 1 to 5; returns where the app is."""
    step(1, "the manifest")
    manifest = (SOURCE / "manifest.toml").read_text()
    image = f"{os.environ['REGISTRY']}/notes:{secrets.token_hex(4)}"
    manifest = re.sub(r'(?m)^image = .*$', f'image = "{image}"', manifest)
    assert tomllib.loads(manifest)["image"] == image
    step(2, "the image")
    base = ["--build-arg", f"BASE_IMAGE={os.environ['BASE_IMAGE']}"] if "BASE_IMAGE" in os.environ else []
    subprocess.run(["docker", "build", "--quiet", *base, "--tag", image, SOURCE], check=True)
    step(3, "push")
    subprocess.run(["docker", "push", "--quiet", image], check=True)
    if "ADMIN" not in os.environ:
        return None
    step(4, "the catalogue")
    as_admin("PUT", f"/api/v1/admin/catalogue/{name}", {"manifest": manifest})
    entry = user.rutter("GET", f"/api/v1/catalogue/{name}?resolve=true").json()
    assert entry["digest"].startswith("sha256:"), entry
    step(5, "install")
    user.rutter("POST", f"/api/v1/apps/{LOGIN}", {"app": name, "name": name, "digest": entry["digest"]})
    user.rutter("PUT", f"/api/v1/apps/{LOGIN}/{name}/wanted", {"wanted": "running"})
    for _ in range(600):
        app = user.rutter("GET", f"/api/v1/apps/{LOGIN}/{name}").json()
        assert app["state"] != "failed", app
        if app["state"] == "running":
            return app["url"].rstrip("/")
        time.sleep(0.1)
    raise AssertionError(f"it does not run: {app}")


def main():
    user, folder = User(RUTTER, LOGIN), f"notes-{secrets.token_hex(4)}"
    user.sign_in()
    user.rutter("GET", "/api/v1/drive")
    app, by_platform = os.environ.get("APP_URL"), False
    if not app:
        app, by_platform = install(user, "notes"), True
        if not app:
            return
    # With what breaks a page that does not escape.
    hostile = '\n</textarea><script>alert(1)</script> &amp; "quoted" \'text\' é\n'
    user.put(f"{folder}/in/a & b <i>.md", hostile)
    first = user.put(f"{folder}/in/log.txt", "one\n")
    user.put(f"{folder}/in/log.txt", "one\ntwo\n")
    user.put(f"{folder}/shown.csv", "a,b\n1,2\n")
    user.put(f"{folder}/secret.txt", "not for the app\n")
    gift = lambda path, right: {"dataset": f"{LOGIN}/drive", "path": f"{folder}/{path}", "right": right}
    at = lambda page, path, **more: f"{app}{page}?{urlencode({'dataset': f'{LOGIN}/drive', 'path': f'{folder}/{path}', **more})}"

    step(6, "sign in")
    # Another run of this script may have allowed something.
    for before in user.rutter("GET", "/api/v1/user/consents").json()["items"]:
        if before["name"] == "Notes":
            user.rutter("DELETE", f"/api/v1/user/consents/{before['client']}")
    user.gives = [gift("in", "edit"), gift("shown.csv", "view")]
    page = user.visit(f"{app}/")
    assert page.status_code == 200 and f"Signed in as {LOGIN}" in page.text, page.text
    asked = query_of(next(url for url in user.visited if url.startswith(f"{RUTTER}/oauth/authorize")))
    assert asked["code_challenge_method"] == "S256" and len(asked["state"]) > 40, asked
    own = [cookie for cookie in user.session.cookies if cookie.name == "notes"]
    assert own and all(cookie.has_nonstandard_attr("HttpOnly") for cookie in own), own
    # Neither the code nor a token is where scripts or other sites find it.
    assert "rat_" not in page.text and "rrt_" not in page.text
    callback = next(url for url in user.visited if "/oauth/callback?" in url)
    assert user.visit(callback).status_code == 400, "a code works once"
    # The page stays that of the app, and a sign-in that another browser began is refused.
    user.visit(f"{app}/login?{urlencode({'next': '//attacker.example/'})}")
    assert user.visited[-1].startswith(app), user.visited
    callback = user.visit(f"{app}/login", until="/oauth/callback?")
    own = [cookie for cookie in user.session.cookies if cookie.name == "notes"]
    before, own[-1].value = own[-1].value, "x" * 43
    assert user.visit(callback).status_code == 400, "another browser began it"
    own[-1].value = before
    assert user.visit(callback).status_code == 200

    step(7, "read and write files")
    listing = user.visit(f"{app}/")
    links = [link for link in Fields(listing.text).links if "/file?" in link]
    names = {query_of(urljoin(f"{app}/", link))["path"].removeprefix(f"{folder}/") for link in links}
    assert names == {"in/a & b <i>.md", "in/log.txt", "shown.csv"}, names
    page = user.visit(at("/file", "in/a & b <i>.md"))
    seen = Fields(page.text)
    (action, form), = seen.forms.items()
    assert form["text"] == hostile and seen.scripts == 0, page.text
    form["text"] = "new\ntext ü\n"
    assert user.visit(urljoin(page.url, action), form).status_code == 200
    assert user.read(f"{folder}/in/a & b <i>.md") == "new\ntext ü\n"
    # What another program writes meanwhile is not lost, nor is the text.
    changed = user.visit(urljoin(page.url, action), {**form, "text": "older & wiser"})
    assert changed.status_code == 412 and Fields(changed.text).forms[action]["text"] == "older & wiser", changed.text
    # Forms of other sites, and what the app may not.
    for wrong in ({**form, "csrf": "x"}, {"text": "x", "revision": form["revision"]}):
        assert user.visit(urljoin(page.url, action), wrong).status_code == 403
    assert user.read(f"{folder}/in/a & b <i>.md") == "new\ntext ü\n"
    page = user.visit(at("/file", "shown.csv"))
    seen = Fields(page.text)
    (action, form), = seen.forms.items()
    assert seen.locked and form["text"] == "a,b\n1,2\n", page.text
    assert user.visit(urljoin(page.url, action), {**form, "text": "x"}).status_code == 403
    assert user.read(f"{folder}/shown.csv") == "a,b\n1,2\n"
    assert user.visit(at("/file", "secret.txt")).status_code == 404
    for path in ("../secret.txt", "in/../secret.txt", "in//log.txt"):
        assert user.visit(at("/file", path)).status_code == 400, path
    # The note in the volume.
    seen = Fields(listing.text)
    action = next(action for action in seen.forms if action.endswith("/note"))
    note = f"buy milk & <b>bread</b> {secrets.token_hex(4)}\n"
    kept = user.visit(urljoin(listing.url, action), {**seen.forms[action], "text": note})
    assert Fields(kept.text).forms[action]["text"] == note, kept.text
    # The clock.
    parts = urlsplit(app)
    origin, socket_url = f"{parts.scheme}://{parts.netloc}", f"ws{app.removeprefix('http')}/clock"
    cookies = requests.Request("GET", f"{app}/clock", cookies=user.session.cookies)
    headers = {"Cookie": user.session.prepare_request(cookies).headers["Cookie"]}
    with websockets.sync.client.connect(socket_url, origin=origin, additional_headers=headers, proxy=None) as clock:
        times = [clock.recv(timeout=5) for _ in range(3)]
        assert len(set(times)) >= 2 and all(re.fullmatch(r"\d\d:\d\d:\d\d", it) for it in times), times
        assert clock.ping().wait(5), "no pong"
    assert clock.close_code == 1000, clock.close_code
    for wrong in ({"origin": "https://attacker.example", "additional_headers": headers}, {"origin": origin}):
        try:
            with websockets.sync.client.connect(socket_url, proxy=None, **wrong) as clock:
                clock.recv(timeout=5)
            raise AssertionError(f"opened with {list(wrong)}")
        except websockets.exceptions.InvalidStatus as refusal:
            assert refusal.response.status_code in (401, 403), refusal

    step(8, "open with, and withdraw")
    consent = f"/api/v1/user/consents/{asked['client_id']}"
    assert user.visit(at("/open", "secret.txt", revision="")).status_code == 404
    if by_platform:
        wanted = {"dataset": f"{LOGIN}/drive", "path": f"{folder}/secret.txt", "right": "edit"}
        place = user.rutter("POST", f"/api/v1/apps/{LOGIN}/notes/open", wanted).json()["location"]
    else:
        user.rutter("PUT", consent, {"paths": [*user.gives, gift("secret.txt", "edit")]})
        place = at("/open", "secret.txt", revision="")
    page = user.visit(place)
    (action, form), = Fields(page.text).forms.items()
    assert form["text"] == "not for the app\n", page.text
    page = user.visit(at("/open", "in/log.txt", revision=first))
    seen = Fields(page.text)
    assert seen.locked and "one\n" in [form["text"] for form in seen.forms.values()], page.text
    # What is withdrawn ends at once; then all of it, and back again.
    user.rutter("PUT", consent, {"paths": [gift("shown.csv", "view")]})
    assert user.visit(at("/file", "in/log.txt")).status_code == 404
    unsent = user.visit(urljoin(page.url, action), {**form, "text": "x"})
    assert unsent.status_code == 404 and "Not saved" in unsent.text, unsent.text
    user.rutter("DELETE", consent)
    page = user.visit(f"{app}/")
    assert page.status_code == 401 and "no longer has access" in page.text, page.text
    again = user.visit(urljoin(page.url, Fields(page.text).links[0]))
    assert f"Signed in as {LOGIN}" in again.text, again.text
    seen = Fields(again.text)
    action = next(action for action in seen.forms if action.endswith("/logout"))
    assert "Signed out" in user.visit(urljoin(again.url, action), seen.forms[action]).text
    print("done", flush=True)


main()
