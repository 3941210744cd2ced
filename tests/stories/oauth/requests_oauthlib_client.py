"""A web application with requests-oauthlib: code with PKCE, and a token that is refreshed when it has expired."""

from requests_oauthlib import OAuth2Session

from browser import query_of
from provider import browser, issuer, metadata, provider, redirect, resource

client = provider["clients"]["basic"]
scope, saved = ["openid", "profile", "email", "read"], []
session = OAuth2Session(client["id"], redirect_uri=redirect, scope=scope, pkce="S256")
url, state = session.authorization_url(metadata["authorization_endpoint"])
location = browser.open(url).url
assert location.startswith(f"{redirect}?") and query_of(location)["iss"] == issuer, location
# It raises an exception for another state, and for other scopes than it has asked for.
token = session.fetch_token(
    metadata["token_endpoint"], authorization_response=location, client_secret=client["secret"]
)
user = session.get(metadata["userinfo_endpoint"]).json()
assert user["preferred_username"] == "ada" and user["email"] == "ada@example.org", user

session = OAuth2Session(
    client["id"], scope=scope, token={**token, "expires_at": 1}, auto_refresh_url=metadata["token_endpoint"],
    auto_refresh_kwargs={"client_id": client["id"], "client_secret": client["secret"]}, token_updater=saved.append,
)
assert session.get(resource).status_code == 200
assert len(saved) == 1 and saved[0]["expires_in"] > 60, saved
assert saved[0]["access_token"] != token["access_token"] and saved[0]["refresh_token"] != token["refresh_token"]
# The new one is used as long as it is valid.
assert session.get(metadata["userinfo_endpoint"]).json()["sub"] == user["sub"]
assert len(saved) == 1
