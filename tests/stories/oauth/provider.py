"""The provider that a script signs in with, and the browser of its user."""

import json
import os

import requests

from browser import Browser

provider = json.loads(os.environ["PROVIDER"])
issuer, redirect, resource = provider["issuer"], provider["redirect"], provider["resource"]
metadata = requests.get(f"{issuer}/.well-known/openid-configuration").json()
assert metadata["issuer"] == issuer, metadata
browser = Browser(issuer, "ada")
