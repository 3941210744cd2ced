"""A web application with Authlib: discovery, code with PKCE, ID token, userinfo, refresh, revocation."""

import os
import urllib.parse

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oauth2.rfc7636 import create_s256_code_challenge

server, client_id, secret = (os.environ[name] for name in ("SERVER", "CLIENT_ID", "CLIENT_SECRET"))
cookie, redirect = os.environ["COOKIE"], "https://app.example.org/cb"
metadata = requests.get(f"{server}/.well-known/openid-configuration").json()
assert metadata == requests.get(f"{server}/.well-known/oauth-authorization-server").json()
assert metadata["issuer"] == server, metadata


class Browser:
    """A browser with a session, whose user allows everything."""

    headers = {"Cookie": f"rutter={cookie}", "Origin": server}

    def allow(self, url):
        location = requests.get(url, headers=self.headers, allow_redirects=False).headers["Location"]
        if "#" not in location:
            return location
        ticket = location.split("#")[1]
        answer = requests.post(f"{server}/api/v1/oauth/requests/{ticket}", headers=self.headers, json={"allow": True})
        assert answer.status_code == 200, answer.text
        return answer.json()["location"]


for method in ("client_secret_basic", "client_secret_post"):
    session = OAuth2Session(
        client_id, secret, scope="openid profile email read", redirect_uri=redirect,
        token_endpoint_auth_method=method, code_challenge_method="S256",
    )
    verifier, nonce = "v" * 48, f"nonce of {method}"
    url, state = session.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    assert create_s256_code_challenge(verifier) in url
    location = Browser().allow(url)
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)
    assert query["iss"] == [server] and query["state"] == [state], location
    token = session.fetch_token(
        metadata["token_endpoint"], authorization_response=location, code_verifier=verifier, state=state
    )

    keys = JsonWebKey.import_key_set(requests.get(metadata["jwks_uri"]).json())
    claims = jwt.decode(
        token["id_token"], keys,
        claims_options={
            "iss": {"essential": True, "value": server},
            "aud": {"essential": True, "value": client_id},
            "nonce": {"essential": True, "value": nonce},
        },
    )
    claims.validate()
    user = session.get(metadata["userinfo_endpoint"]).json()
    assert user["sub"] == claims["sub"] and user["preferred_username"] == "ada", user
    assert user["email"] == "ada@example.org", user
    assert session.get(f"{server}/api/v1/datasets/ada/birds").status_code == 200

    before = token["refresh_token"]
    token = session.refresh_token(metadata["token_endpoint"])
    assert token["refresh_token"] != before
    described = session.introspect_token(metadata["introspection_endpoint"], token["access_token"]).json()
    assert described["active"] and described["username"] == "ada", described
    assert session.revoke_token(metadata["revocation_endpoint"], token["refresh_token"]).status_code == 200
    described = session.introspect_token(metadata["introspection_endpoint"], token["access_token"]).json()
    assert described == {"active": False}, described
    assert session.get(metadata["userinfo_endpoint"]).status_code == 401
