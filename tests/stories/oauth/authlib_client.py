"""A web application with Authlib: discovery, code with PKCE, ID token, userinfo, refresh, introspection, revocation,
client credentials."""

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

from browser import query_of
from provider import browser, issuer, metadata, provider, redirect, resource

OpenIDProviderMetadata(metadata).validate()
keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"]).json())
for method in ("basic", "post"):
    client = provider["clients"][method]
    kept = {"token_endpoint_auth_method": f"client_secret_{method}"}
    session = OAuth2Session(
        client["id"], client["secret"], scope="openid profile email read", redirect_uri=redirect,
        code_challenge_method="S256", **kept,
    )
    verifier, nonce = "v" * 48, f"nonce of {method}"
    url, state = session.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    assert create_s256_code_challenge(verifier) in url
    location = browser.open(url).url
    assert location.startswith(f"{redirect}?"), location
    query = query_of(location)
    assert query["iss"] == issuer and query["state"] == state, location
    token = session.fetch_token(
        metadata["token_endpoint"], authorization_response=location, code_verifier=verifier, state=state
    )
    assert set(token["scope"].split()) == {"openid", "profile", "email", "read"}, token

    signed = jwt.decode(token["id_token"], keys, algorithms=metadata["id_token_signing_alg_values_supported"])
    expected = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client["id"]}}
    sent = {"nonce": nonce, "client_id": client["id"], "access_token": token["access_token"]}
    claims = CodeIDToken(signed.claims, signed.header, expected, sent)
    claims.validate()
    user = session.get(metadata["userinfo_endpoint"]).json()
    assert user["sub"] == claims["sub"] and user["preferred_username"] == "ada", user
    assert user["email"] == "ada@example.org" and user["email_verified"], user
    assert session.get(resource).status_code == 200

    before = token["refresh_token"]
    token = session.refresh_token(metadata["token_endpoint"])
    assert token["refresh_token"] != before
    for hint in ("access_token", "refresh_token"):
        described = session.introspect_token(metadata["introspection_endpoint"], token[hint], hint).json()
        assert described["active"] and described["sub"] == user["sub"], described
        assert described["client_id"] == client["id"] and "read" in described["scope"].split(), described
    revoked = session.revoke_token(metadata["revocation_endpoint"], token["refresh_token"], "refresh_token")
    assert revoked.status_code == 200, revoked.text
    described = session.introspect_token(metadata["introspection_endpoint"], token["access_token"]).json()
    assert described == {"active": False}, described
    assert session.get(metadata["userinfo_endpoint"]).status_code == 401

    # As an account of its own.
    alone = OAuth2Session(client["id"], client["secret"], scope="read", **kept)
    token = alone.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["scope"] == "read" and "refresh_token" not in token, token
    assert alone.get(resource).status_code == 200
