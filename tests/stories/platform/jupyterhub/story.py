"""A running JupyterHub with the configuration that rutter generates. First with oidc-provider in rutter's place.

Rule 44: users whose platform role is not in the matrix are refused at sign-in, and when JupyterHub refreshes.
"""

import os
import pathlib
import re
import secrets
import sys
import tempfile
import time
import urllib.parse

import requests

from browser import Browser
from programs import as_owner, control, free_port, here, later, running, server, wait_for

port, hub_port, proxy_port = free_port(), free_port(), free_port()
hub = f"http://127.0.0.1:{port}"
callback = f"{hub}/hub/oauth_callback"
watch, key = secrets.token_hex(32), secrets.token_hex(32)


def jupyterhub(config, secret, folder, *more):
    """Runs the hub. Its database and its keys stay in the folder between runs."""
    generated = pathlib.Path(folder) / "generated.py"
    generated.write_text(config)
    variables = {
        "GENERATED": str(generated), "HUB": hub, "HUB_PORT": str(hub_port), "PROXY": f"http://127.0.0.1:{proxy_port}",
        "PACKAGES": os.environ["PACKAGES"], "SINGLE_USER": str(here / "single_user.py"), "WATCH": watch,
        "RUTTER_CLIENT_SECRET": secret, "JUPYTERHUB_CRYPT_KEY": key,
    }
    command = [sys.executable, "-m", "jupyterhub", "--config", here / "local_config.py", *more]
    return running(command, f"{hub}/hub/api", variables, folder)


def api(method, path, token=watch, **more):
    return requests.request(method, f"{hub}/hub/api{path}", headers={"Authorization": f"token {token}"}, **more)


def set_role(name, role):
    as_owner("PUT", f"/organisations/org/roles/{name}", {"role": role})


def of(name):
    """Returns what the hub knows of a user."""
    answer = api("GET", f"/users/{name}")
    if answer.status_code == 404:
        return None
    user = answer.json()
    return sorted(user["groups"]), user["admin"]


def is_inside(browser):
    """Returns true if the hub lets the browser in as its user, without asking the provider."""
    page = browser.look(f"{hub}/hub/home")
    assert page.status == 200, page
    return f'user: "{browser.name}"' in page.text


def sign_in(browser):
    """Opens the hub, and follows its button."""
    page = browser.open(f"{hub}/")
    button = re.search(r"href='([^']+)'>Sign in with rutter", page.text)
    assert button, page
    return browser.open(urllib.parse.urljoin(page.url, button[1].replace("&amp;", "&")))


def assert_refused(browser):
    """Signs in to a hub that refuses the user."""
    page = sign_in(browser)
    assert page.url.startswith(f"{callback}?error=access_denied"), page
    assert page.status in (400, 403) and not is_inside(browser), page


def visit(browser):
    """Opens the server of the user; returns what it knows of the visitor, or the page that there is instead."""
    page = browser.open(f"{hub}/user/{browser.name}/")
    return page.json() if "json" in page.headers.get("Content-Type", "") or page.text.startswith("{") else page


def start(browser):
    """Signs in, which starts the server of the user; returns what it knows of the visitor."""
    page = sign_in(browser)
    assert page.status == 200 and f'user: "{browser.name}"' in page.text or page.text.startswith("{"), page
    wait_for_server(browser.name)
    assert is_inside(browser)
    return visit(browser)


def wait_for_server(name):
    wait_for("the server starts", lambda: api("GET", f"/users/{name}").json()["server"])


def stop(name):
    assert api("DELETE", f"/users/{name}/server").status_code in (202, 204)
    wait_for("the server stops", lambda: not api("GET", f"/users/{name}").json()["servers"])


def token_of(name):
    """Returns a token of the hub with the rights of a user."""
    return api("POST", f"/users/{name}/tokens", json={}).json()["token"]


def with_oidc_provider(config, id, secret):
    client = {
        "client_id": id, "client_secret": secret, "redirect_uris": [callback],
        "scope": "openid profile groups offline_access", "grant_types": ["authorization_code", "refresh_token"],
    }
    with control([client]) as issuer, tempfile.TemporaryDirectory() as folder:
        for ours, theirs in (("authorize", "auth"), ("token", "token"), ("userinfo", "me")):
            assert f'"{server}/oauth/{ours}"' in config, config
            config = config.replace(f'"{server}/oauth/{ours}"', f'"{issuer}/{theirs}"')
        with jupyterhub(config, secret, folder):
            browser = Browser(issuer, "engineer-1")
            assert start(browser)["name"] == "engineer-1"
            assert of("engineer-1") == (["platform:engineer"], False), of("engineer-1")
    print("oidc-provider: passed", file=sys.stderr)


def with_rutter(config, id, secret, folder):
    engineer, scientist, admin = (Browser(server, f"{role}-1") for role in ("engineer", "scientist", "admin"))
    with jupyterhub(config, secret, folder):
        # Each role at sign-in; ben is a member of the organisation without one.
        for name in ("analyst-1", "viewer-1", "ben"):
            assert_refused(Browser(server, name))
            assert of(name) is None, name
        for browser in (engineer, scientist, admin):
            role = browser.name.split("-")[0]
            visitor = start(browser)
            groups = ["org", f"platform:{role}"]
            assert (visitor["name"], sorted(visitor["groups"])) == (browser.name, groups), visitor
            assert of(browser.name) == (groups, role == "admin"), of(browser.name)
            assert browser.look(f"{hub}/hub/admin").status == (200 if role == "admin" else 403)

        # Another user's server, and another session.
        page = engineer.open(f"{hub}/user/scientist-1/")
        assert page.status == 403, page

        # A role that was taken away: no server starts, with the browser or with a token that the user made before.
        token = token_of("engineer-1")
        stop("engineer-1")
        assert api("POST", "/users/engineer-1/server", token).status_code in (201, 202)
        wait_for_server("engineer-1")
        stop("engineer-1")
        as_owner("DELETE", "/organisations/org/roles/engineer-1")
        answer = api("POST", "/users/engineer-1/server", token)
        assert answer.status_code == 403, (answer.status_code, answer.text)
        page = engineer.look(f"{hub}/hub/spawn")
        assert page.status != 200 or "Sign in with rutter" in page.text, page
        assert not api("GET", "/users/engineer-1").json()["servers"]
        assert_refused(Browser(server, "engineer-1"))

        # Signed out of the hub alone: it asks the provider again, which knows the user.
        page = scientist.look(f"{hub}/hub/logout")
        assert not is_inside(scientist) and "Sign in with rutter" in page.text, page
        assert sign_in(scientist).status == 200 and is_inside(scientist)
        # Signed out of both: the user has to sign in.
        scientist.look(f"{hub}/hub/logout")
        scientist.sign_out()
        assert any(url.startswith(f"{server}/login?") for url in sign_in(scientist).visited) and is_inside(scientist)
        # A hub that is killed would look for its servers for ten seconds after the restart.
        for browser in (scientist, admin):
            stop(browser.name)

    # After a restart of the hub, with a refresh each second instead of each 300.
    with jupyterhub(config, secret, folder, "--GenericOAuthenticator.auth_refresh_age=1"):
        # Access tokens have expired: JupyterHub has to use each refresh token, and to keep the next one.
        for _ in range(2):
            later(16 * 60)
            time.sleep(1.1)
            assert is_inside(scientist) and is_inside(admin) and admin.look(f"{hub}/hub/admin").status == 200
        scientist.look(f"{hub}/hub/spawn")
        wait_for_server("scientist-1")
        visitor = visit(scientist)
        assert visitor["name"] == "scientist-1", visitor
        token = token_of("scientist-1")
        assert api("GET", "/user", token).json()["name"] == "scientist-1"
        # Another role that the matrix admits: other groups, and no administrator any more.
        set_role("admin-1", "engineer")
        # One that it leaves empty.
        set_role("scientist-1", "viewer")
        time.sleep(1.1)
        assert is_inside(admin) and of("admin-1") == (["org", "platform:engineer"], False), of("admin-1")
        assert admin.look(f"{hub}/hub/admin").status == 403
        assert not is_inside(scientist)
        assert api("GET", "/user", token).status_code == 403
        # The running server asks the hub who its visitor is.
        page = scientist.look(f"{hub}/user/scientist-1/")
        assert not page.text.startswith("{"), page
        assert_refused(Browser(server, "scientist-1"))

        # The user ends the access of the hub.
        admin.rutter("DELETE", f"/api/v1/user/consents/{id}")
        time.sleep(1.1)
        assert not is_inside(admin)
        # Not for ever.
        assert sign_in(admin).status == 200 and is_inside(admin)


new = {
    "name": "JupyterHub", "owner": "org", "application": "jupyterhub", "redirects": [callback],
    "scopes": ["openid", "profile", "groups", "offline_access"],
}
for role in ("admin", "engineer", "scientist", "analyst", "viewer"):
    set_role(f"{role}-1", role)
client = as_owner("POST", "/clients", new)
file = as_owner("GET", f"/clients/{client['id']}/config")["files"][0]
assert file["name"] == "jupyterhub_config.py", file
arguments = file["text"], client["id"], client["secret"]
with_oidc_provider(*arguments)
with tempfile.TemporaryDirectory() as folder:
    with_rutter(*arguments, folder)
