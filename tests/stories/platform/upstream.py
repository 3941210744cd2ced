"""Users sign in to rutter with an account of npm's oidc-provider: a provider that rutter's authors have not written.

Rutter knows it as `work`, where it is a confidential client, and as `lab`, where it is a public one and ID tokens are
signed with ES256. The claims are not in ID tokens, as OpenID Connect Core §5.4 says.
"""

import os
import urllib.parse

from browser import PASSWORD, Browser, query_of
from programs import control, server

common = {"grant_types": ["authorization_code"], "scope": "openid profile email"}
clients = [
    {
        **common, "client_id": "work", "client_secret": os.environ["SECRET"],
        "redirect_uris": [f"{server}/login/work/callback"],
    },
    {
        **common, "client_id": "lab", "token_endpoint_auth_method": "none", "id_token_signed_response_alg": "ES256",
        "redirect_uris": [f"{server}/login/lab/callback"],
    },
]


class Visitor(Browser):
    """A browser whose user has an account at the provider."""

    def __init__(self, name):
        super().__init__(issuer, name)

    def call(self, method, path, body=None):
        return self.send(method, f"{server}/api/v1{path}", json=body, headers={"Origin": server})

    def go(self, location):
        """Opens a page of rutter; returns the page of rutter, without its host, that this leads to."""
        page = self.open(urllib.parse.urljoin(server, location))
        return page.url.removeprefix(server)

    def who(self):
        user = self.call("GET", "/session").json()["user"]
        return user and user["name"]

    def sign_up(self, name):
        answer = self.call("POST", "/accounts/external", {"name": name})
        assert answer.status_code == 201, answer.text

    def link(self, provider):
        answer = self.call("POST", f"/user/identities/{provider}")
        assert answer.status_code == 200, answer.text
        return self.go(answer.json()["location"])


def problem(location):
    return query_of(location)["problem"]


with control(clients, PORT=os.environ["PORT"]) as issuer:
    ada = Visitor("ada")
    # A new user: the provider has verified the address, the user chooses a name.
    assert ada.go("/login/work?next=/drive") == "/signup?with=work&next=%2Fdrive"
    new = ada.call("GET", "/accounts/external").json()
    assert (new["provider"], new["email"], new["suggested_name"]) == ("work", "ada@example.org", "ada"), new
    ada.sign_up("ada-2")
    assert ada.who() == "ada-2"
    # From then on the account is known, in any browser.
    for _ in range(2):
        ada = Visitor("ada")
        assert ada.go("/login/work?next=/drive") == "/drive" and ada.who() == "ada-2"

    # The other client is another provider to rutter: the address has an account, which is not taken over.
    stranger = Visitor("ada")
    assert problem(stranger.go("/login/lab")) == "taken" and stranger.who() is None
    assert ada.link("lab").startswith("/account")
    assert {one["provider"] for one in ada.call("GET", "/user/identities").json()["identities"]} == {"work", "lab"}
    assert stranger.go("/login/lab?next=/drive") == "/drive" and stranger.who() == "ada-2"

    # Policy: the address must be verified, and of the domain.
    for name, why in (("newcomer", "email"), ("eve@elsewhere.example", "domain"), ("eve@sub.example.org", "domain")):
        visitor = Visitor(name)
        assert problem(visitor.go("/login/work")) == why and visitor.who() is None, name
    # The user refuses at the provider.
    assert problem(Visitor("").go("/login/work")) == "denied"

    # An account with a password, whose user has the same address at the provider: linked by its user alone.
    ben = Visitor("ben")
    assert problem(ben.go("/login/work")) == "taken" and ben.who() is None
    answer = ben.call("POST", "/session", {"login": "ben", "password": PASSWORD})
    assert answer.status_code == 200 and ben.who() == "ben", answer.text
    assert ben.link("work").startswith("/account")
    assert Visitor("ben").go("/login/work?next=/drive") == "/drive"
    # A user of the provider has one account here.
    both = Visitor("ada")
    assert both.call("POST", "/session", {"login": "ben", "password": PASSWORD}).status_code == 200
    assert problem(both.link("lab")) == "linked"
    # Without the link, the account is found no more; it still has its password.
    assert ben.call("DELETE", "/user/identities/work").status_code == 204
    assert problem(Visitor("ben").go("/login/work")) == "taken"
