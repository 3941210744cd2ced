"""A Space: what the documentation of huggingface_hub shows, and nothing about rutter."""

import dataclasses

from fastapi import FastAPI, Request
from huggingface_hub import attach_huggingface_oauth, parse_huggingface_oauth

app = FastAPI()
attach_huggingface_oauth(app)


@app.get("/")
@app.get("/work")
def greet_json(request: Request):
    oauth_info = parse_huggingface_oauth(request)
    if oauth_info is None:
        return {"msg": "Not logged in!"}
    return {
        "msg": f"Hello, {oauth_info.user_info.preferred_username}!",
        "user": dataclasses.asdict(oauth_info.user_info),
        "scope": oauth_info.scope,
        "token": oauth_info.access_token,
        "expires_at": oauth_info.access_token_expires_at.timestamp(),
        "path": request.url.path,
        "query": dict(request.query_params),
    }
