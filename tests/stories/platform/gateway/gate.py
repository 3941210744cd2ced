"""Sign-in for the gateway, as oauth2-proxy does it: an application with Authlib. Its sessions are in memory."""

import os
import secrets
import time

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, request, session
from joserfc import jwt
from joserfc.jwk import KeySet

issuer, client, host = (os.environ[name] for name in ("ISSUER", "CLIENT_ID", "HOST"))
app = Flask("gate")
app.secret_key = secrets.token_bytes(32)
provider = OAuth(app).register(
    "provider", client_id=client, client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=f"{issuer}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)
visitors = {}


@app.get("/gate/start")
def start():
    session["next"] = request.query_string.decode()
    return provider.authorize_redirect(f"{host}/gate/callback")


@app.get("/gate/callback")
def callback():
    token = provider.authorize_access_token()
    session["visitor"] = secrets.token_hex(16)
    visitors[session["visitor"]] = token
    return redirect(session.pop("next"))


@app.get("/gate/check")
def check():
    token = visitors.get(session.get("visitor"))
    if not token:
        return "", 401
    user = token["userinfo"]
    return "", {"X-Auth-Request-User": user["preferred_username"], "X-Auth-Request-Email": user["email"]}


@app.get("/gate/stop")
def stop():
    """Signs out here and at the provider (OpenID Connect RP-Initiated Logout)."""
    token = visitors.pop(session.pop("visitor"))
    return provider.logout_redirect(f"{host}/gate/stopped", token["id_token"])


@app.get("/gate/stopped")
def stopped():
    provider.validate_logout_response()
    return "stopped"


@app.post("/gate/ended")
def ended():
    """Ends the sessions of a login that the provider has ended (OpenID Connect Back-Channel Logout §2.6)."""
    keys = KeySet.import_key_set(provider.fetch_jwk_set())
    token = jwt.decode(request.form["logout_token"], keys, algorithms=["RS256"])
    claims = token.claims
    assert token.header["typ"] == "logout+jwt" and claims["iss"] == issuer and claims["aud"] == client, claims
    assert abs(claims["iat"] - time.time()) < 120 and claims["exp"] > time.time() and claims["jti"], claims
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}, claims
    assert "nonce" not in claims, claims
    for visitor, token in list(visitors.items()):
        user = token["userinfo"]
        if user["sid"] == claims["sid"]:
            assert user["sub"] == claims["sub"], claims
            del visitors[visitor]
    return "", {"Cache-Control": "no-store"}
