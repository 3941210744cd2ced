"""The OAuth of huggingface_hub: a Space gets four variables, and its users sign in. First with oidc-provider."""

import sys
import time
import urllib.parse

import requests

from browser import Browser, query_of
from programs import as_owner, control, free_port, running, server

SCOPES = "openid profile email"
# What a page asks to come back to; the first one is the default.
PATHS = ("/?", "/work?a=1&b=x y/ü")
port = free_port()
host = f"http://127.0.0.1:{port}"
callback = f"{host}/oauth/huggingface/callback"


def space(issuer, client, secret):
    """Runs the application as a Space."""
    variables = {
        "SPACE_ID": "ada/space", "SPACE_HOST": f"127.0.0.1:{port}", "OAUTH_CLIENT_ID": client,
        "OAUTH_CLIENT_SECRET": secret, "OAUTH_SCOPES": SCOPES, "OPENID_PROVIDER_URL": issuer, "HF_HUB_OFFLINE": "1",
    }
    command = [sys.executable, "-m", "uvicorn", "--port", port, "app:app"]
    return running(command, host, variables)


def sign_in(browser, target):
    """Signs in from a page of the application; returns what the page then knows."""
    assert browser.open(host).json() == {"msg": "Not logged in!"}
    chosen = "" if target == PATHS[0] else "?" + urllib.parse.urlencode({"_target_url": target})
    page = browser.open(f"{host}/oauth/huggingface/login{chosen}")
    assert page.status == 200, page
    asked = query_of(next(url for url in page.visited if "client_id=" in url))
    # Authlib sends no PKCE here, and a redirect URL that differs with each page.
    assert "code_challenge" not in asked, asked
    assert asked["redirect_uri"] == f"{callback}?" + urllib.parse.urlencode({"_target_url": target}), asked
    back = next(url for url in page.visited if url.startswith(f"{callback}?"))
    assert back.startswith(asked["redirect_uri"] + "&"), back
    seen = page.json()
    assert seen["path"] == target.split("?")[0] and seen["query"] == query_of(target), seen
    return seen


def check(browser, issuer, name):
    for target in PATHS:
        seen = sign_in(browser, target)
        user = seen["user"]
        assert seen["msg"] == f"Hello, {name}!" and user["preferred_username"] == name, seen
        assert user["sub"] and user["email"] == f"{name}@example.org" and user["email_verified"] is True, seen
        assert sorted(seen["scope"].split()) == sorted(SCOPES.split()), seen
        assert 0 < seen["expires_at"] - time.time() <= 901, seen
        # The token opens the API of the provider.
        endpoint = requests.get(f"{issuer}/.well-known/openid-configuration").json()["userinfo_endpoint"]
        who = requests.get(endpoint, headers={"Authorization": f"Bearer {seen['token']}"}).json()
        assert who["sub"] == user["sub"], who
        assert browser.open(f"{host}/oauth/huggingface/logout").json() == {"msg": "Not logged in!"}
    # The session is in a cookie, with the tokens and the claims.
    assert browser.longest_cookie > 1000, browser.longest_cookie


client = {
    "client_id": "huggingface", "client_secret": "s" * 40, "grant_types": ["authorization_code"],
    "redirect_uris": [f"{callback}?" + urllib.parse.urlencode({"_target_url": path}) for path in PATHS],
}
with control([client], CLAIMS_IN_ID_TOKEN="yes") as issuer, space(issuer, client["client_id"], client["client_secret"]):
    check(Browser(issuer, "ada"), issuer, "ada")
print("oidc-provider: passed", file=sys.stderr)

new = {"name": "Space", "redirects": [callback], "scopes": SCOPES.split(), "traits": ["no-pkce", "free-query"]}
client = as_owner("POST", "/clients", new)
with space(server, client["id"], client["secret"]):
    check(Browser(server, "ada"), server, "ada")
    # It needs both traits, which other applications do not have.
    as_owner("PATCH", f"/clients/{client['id']}", {"traits": ["no-pkce"]})
    page = Browser(server, "ada").open(f"{host}/oauth/huggingface/login")
    assert page.status >= 400 and page.url.startswith(f"{server}/oauth/authorize?"), page
    as_owner("PATCH", f"/clients/{client['id']}", {"traits": ["free-query"]})
    page = Browser(server, "ada").open(f"{host}/oauth/huggingface/login")
    assert page.url.startswith(f"{callback}?") and "&error=invalid_request&" in page.url, page
