"""A browser with one user: cookies, redirects, and what the pages of a provider ask of the user, who allows everything.

The provider is rutter, or npm's oidc-provider, which knows its user by a cookie.
"""

import os
import re
import urllib.parse

import requests

PASSWORD = os.environ["PASSWORD"]


def query_of(url):
    """Returns the parameters of a URL."""
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, keep_blank_values=True))


class Page:
    """Where a request has led to: a page, or the URL of an application that is not on this machine."""

    def __init__(self, answer, visited):
        self.url, self.visited = visited[-1], visited
        self.status, self.text, self.headers, self.json = answer.status_code, answer.text, answer.headers, answer.json

    def __repr__(self):
        return f"{self.status} {self.url}\n{self.text[:2000]}\nvisited: {self.visited}"


class Browser:
    def __init__(self, provider, name):
        self.provider, self.name = provider, name
        self.session, self.longest_cookie = requests.Session(), 0
        self.session.trust_env = False
        # How oidc-provider knows the user.
        self.session.cookies.set("user", name)

    def send(self, method, url, **more):
        """Makes one request, and follows no redirect."""
        answer = self.session.request(method, url, allow_redirects=False, timeout=30, **more)
        for cookie in answer.raw.headers.getlist("Set-Cookie"):
            length = len(cookie.split(";")[0])
            self.longest_cookie = max(self.longest_cookie, length)
            assert length <= 4096, f"browsers drop this cookie of {length} bytes: {cookie[:80]}"
        for cookie in self.session.cookies:
            # Browsers send them to loopback addresses without TLS, too.
            cookie.secure = False
        return answer

    def open(self, url, does_pages=True):
        """Opens a page, and does on the way what the provider's pages ask of the user."""
        visited, form, answer = [], None, None
        for _ in range(40):
            visited.append(url)
            if answer is not None and not url.startswith("http://127.0.0.1:"):
                return Page(answer, visited)
            after = does_pages and self.use_page(url)
            if after:
                url = urllib.parse.urljoin(url, after)
                continue
            answer = self.send("POST" if form else "GET", url, data=form)
            form = None
            # oidc-provider asks before it signs the user out.
            confirm = re.search(r' action="([^"]+/session/end/confirm)"', answer.text)
            if answer.is_redirect:
                url = urllib.parse.urljoin(url, answer.headers["Location"])
            elif confirm:
                fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text)
                url, form = confirm[1], {**dict(fields), "logout": "yes"}
            else:
                return Page(answer, visited)
        raise AssertionError(f"too many redirects: {visited}")

    def look(self, url):
        """Opens a page, unless the user would have to sign in for it."""
        return self.open(url, does_pages=False)

    def use_page(self, url):
        """Does what a page of rutter does, if this is one; returns where that leads."""
        if url.startswith(f"{self.provider}/login?"):
            self.sign_in()
            return query_of(url)["next"]
        if url.startswith(f"{self.provider}/oauth/consent#"):
            ticket = url.split("#")[1]
            return self.rutter("POST", f"/api/v1/oauth/requests/{ticket}", {"allow": True}).json()["location"]
        return None

    def sign_in(self):
        """Signs in to rutter."""
        self.rutter("POST", "/api/v1/session", {"login": self.name, "password": PASSWORD})

    def sign_out(self):
        """Signs out of rutter, not of its applications."""
        self.rutter("DELETE", "/api/v1/session")

    def rutter(self, method, path, body=None):
        """Makes a request to rutter as its pages do."""
        answer = self.send(method, self.provider + path, json=body, headers={"Origin": self.provider})
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer
