"""A gateway with nginx (`auth_request`) before a service without sign-in. First with oidc-provider."""

import contextlib
import pathlib
import sys
import tempfile

from browser import Browser
from programs import as_owner, control, free_port, here, later, running, server, wait_for

port, gate, service = free_port(), free_port(), free_port()
host = f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def gateway(issuer, client, secret):
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        config = (here / "nginx.conf").read_text()
        for name, value in (("FOLDER", folder), ("PORT", port), ("GATE", gate), ("SERVICE", service)):
            config = config.replace(name, str(value))
        path = pathlib.Path(folder) / "nginx.conf"
        path.write_text(config)
        variables = {"ISSUER": issuer, "CLIENT_ID": client, "CLIENT_SECRET": secret, "HOST": host}
        flask = [sys.executable, "-m", "flask", "--app", "gate", "run", "--port", gate]
        programs = [
            (f"http://127.0.0.1:{service}", [sys.executable, here / "service.py", service]),
            (f"http://127.0.0.1:{gate}/gate/check", flask),
            (host, ["nginx", "-e", "stderr", "-p", folder, "-c", path]),
        ]
        for url, command in programs:
            stack.enter_context(running(command, url, variables))
        yield


def is_inside(browser):
    """Returns true if the gateway lets the browser pass without the provider."""
    answer = browser.send("GET", f"{host}/x")
    assert answer.status_code == 200 or answer.headers["Location"].endswith("/gate/start?/x"), answer.headers
    return answer.status_code == 200


def check(issuer, is_rutter):
    ada, ben = (Browser(issuer, name) for name in ("ada", "ben"))
    for browser in (ada, ben):
        assert not is_inside(browser)
        page = browser.open(f"{host}/reports/2026?a=1&b=%2F")
        seen = page.json()
        assert page.url == f"{host}/reports/2026?a=1&b=%2F" and seen["path"] == "/reports/2026?a=1&b=%2F", page
        assert seen["x-forwarded-user"] == browser.name and "cookie" not in seen, seen
        assert seen["x-forwarded-email"] == f"{browser.name}@example.org", seen
        assert any("code_challenge=" in url for url in page.visited), page
    # The browser cannot name another user.
    seen = ada.send("GET", f"{host}/", headers={"X-Forwarded-User": "ben"}).json()
    assert seen["x-forwarded-user"] == "ada", seen

    # Signed out at the provider, which notifies the gateway, of this login alone.
    if is_rutter:
        ada.sign_out()
        # It looks for ended logins from time to time.
        later(16)
    else:
        ada.open(f"{issuer}/session/end")
    wait_for("the gateway is notified of the logout", lambda: not is_inside(ada))
    assert is_inside(ben)
    page = ada.open(f"{host}/again")
    assert page.json()["x-forwarded-user"] == "ada", page
    assert any("/login" in url or "/interaction/" in url for url in page.visited), "the user has to sign in again"

    # Signed out at the gateway, which says so to the provider.
    page = ada.open(f"{host}/gate/stop")
    assert page.url.startswith(f"{host}/gate/stopped?state=") and page.text == "stopped", page
    assert not is_inside(ada) and is_inside(ben)
    page = ada.open(f"{host}/again")
    assert any("/login" in url or "/interaction/" in url for url in page.visited), "the user has to sign in again"
    assert page.json()["x-forwarded-user"] == "ada", page


urls = {"redirect": f"{host}/gate/callback", "stopped": f"{host}/gate/stopped", "ended": f"{host}/gate/ended"}
client = {
    "client_id": "gateway", "client_secret": "s" * 40, "redirect_uris": [urls["redirect"]],
    "post_logout_redirect_uris": [urls["stopped"]], "backchannel_logout_uri": urls["ended"],
    "backchannel_logout_session_required": True,
}
with control([client], CLAIMS_IN_ID_TOKEN="yes") as issuer:
    with gateway(issuer, client["client_id"], client["client_secret"]):
        check(issuer, is_rutter=False)
print("oidc-provider: passed", file=sys.stderr)

# Private addresses are called for applications of organisations, where administrators create these.
new = {
    "name": "Gateway", "owner": "org", "redirects": [urls["redirect"]], "logout_redirects": [urls["stopped"]],
    "logout_url": urls["ended"], "scopes": ["openid", "profile", "email"],
}
client = as_owner("POST", "/clients", new)
with gateway(server, client["id"], client["secret"]):
    check(server, is_rutter=True)
