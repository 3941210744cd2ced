"""An application with PyJWT, which runs while the provider replaces its signing key."""

import time

import jwt
import requests
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa

from browser import query_of
from provider import browser, issuer, metadata, provider, redirect

client = provider["clients"]["basic"]
algorithms = metadata["id_token_signing_alg_values_supported"]
# One object all the time. By default it looks for an unknown key at most every 30 seconds.
keys = jwt.PyJWKClient(metadata["jwks_uri"], cooldown_duration=0)
verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def sign_in():
    """Returns an ID token of a new login."""
    asked = {
        "response_type": "code", "client_id": client["id"], "redirect_uri": redirect, "scope": "openid",
        "code_challenge": challenge, "code_challenge_method": "S256",
    }
    url = requests.Request("GET", metadata["authorization_endpoint"], params=asked).prepare().url
    form = {
        "grant_type": "authorization_code", "code": query_of(browser.open(url).url)["code"], "redirect_uri": redirect,
        "code_verifier": verifier,
    }
    answer = requests.post(metadata["token_endpoint"], form, auth=(client["id"], client["secret"]))
    assert answer.status_code == 200, answer.text
    return answer.json()["id_token"]


def verify(token, **changes):
    """Verifies signature, times, issuer and audience. Returns the claims."""
    expected = {"audience": client["id"], "issuer": issuer, **changes}
    required = {"require": ["exp", "iat", "iss", "sub", "aud"]}
    return jwt.decode(token, keys.get_signing_key_from_jwt(token), algorithms, options=required, **expected)


def refused(error, token, **changes):
    """Checks that a token is refused with this error."""
    try:
        verify(token, **changes)
    except error:
        return
    raise AssertionError(f"not refused: {token} {changes}")


def wait_for(step):
    """Has the test change the provider, and sets the clock of this process to that of the provider."""
    print(step, flush=True)
    ahead = float(input())
    if ahead:
        time_machine.travel(began + ahead + time.monotonic() - began_monotonic).start()


began, began_monotonic = time.time(), time.monotonic()
first = sign_in()
claims, header = verify(first), jwt.get_unverified_header(first)
refused(jwt.InvalidAudienceError, first, audience="another")
refused(jwt.InvalidIssuerError, first, issuer=f"{issuer}/")
own = rsa.generate_private_key(65537, 2048)
refused(jwt.InvalidSignatureError, jwt.encode(claims, own, "RS256", headers=header))
refused(jwt.PyJWKClientError, jwt.encode(claims, own, "RS256", headers={"kid": "unknown"}))

wait_for("rotate")
second = sign_in()
assert verify(second)["sub"] == claims["sub"]
wait_for("sign")
third = sign_in()
assert verify(third)["sub"] == claims["sub"]
# Those that were signed before are still good.
assert jwt.get_unverified_header(third)["kid"] != header["kid"]
assert verify(second)["sub"] == claims["sub"]
