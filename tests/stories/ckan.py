"""What CKAN's clients do, against the server of RUTTER_URL: giftless-client as it comes from PyPI, and the calls that
ckan-client-js makes, one by one, since no registry has that client."""

import hashlib
import io
import os

import requests
from giftless_client import LfsClient
from giftless_client.exc import LfsError

url, key, reader = os.environ["RUTTER_URL"], os.environ["RUTTER_KEY"], os.environ["RUTTER_READER"]
ORIGIN = {"Origin": "https://ckan.example.org"}


def action(name, payload, get=False, key=key):
    # As the client sends it: no scheme before the key.
    headers = {"Content-Type": "application/json;charset=utf-8", "Authorization": key, **ORIGIN}
    target = f"{url}/api/3/action/{name}"
    reply = requests.get(target, params=payload, headers=headers) if get else requests.post(target, json=payload, headers=headers)
    assert reply.status_code == 200 and reply.json()["success"], reply.text
    return reply.json()["result"]


def token(scopes, key=key):
    return action("authz_authorize", {"scopes": scopes}, key=key)["token"]


def preflight(target, method):
    """What a browser asks before it lets a page send this."""
    asks = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type"}
    reply = requests.options(target, headers={**ORIGIN, **asks})
    assert reply.ok and reply.headers["Access-Control-Allow-Origin"] == "*", reply.headers
    assert method in reply.headers["Access-Control-Allow-Methods"]


def push_blob(data, owner, dataset, filename, transfers=("multipart-basic", "basic")):
    """`pushBlob` of ckan-client-js. Gives whether anything was sent, and how."""
    bearer = token([f"obj:{owner}/{dataset}/*:write"])
    media = {"Accept": "application/vnd.git-lfs+json", "Content-Type": "application/vnd.git-lfs+json", **ORIGIN}
    thing = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data)}
    body = {
        "operation": "upload",
        "transfers": list(transfers),
        "ref": {"name": "refs/heads/master"},
        "objects": [{**thing, "extra": {"filename": filename}}],
    }
    target = f"{url}/{owner}/{dataset}/objects/batch"
    preflight(target, "POST")
    reply = requests.post(target, json=body, headers={**media, "Authorization": f"Bearer {bearer}"})
    assert reply.status_code == 200, reply.text
    transfer, actions = reply.json()["transfer"], reply.json()["objects"][0].get("actions")
    if actions is None:
        return False, transfer

    def send(step, method, data=None, headers=None):
        method = step.get("method", method)
        preflight(step["href"], method)
        answer = requests.request(method, step["href"], data=data, headers={**ORIGIN, **(headers or {}), **step.get("header", {})})
        assert answer.ok and answer.headers["Access-Control-Allow-Origin"] == "*", (answer.status_code, answer.text)
        return answer

    if transfer == "basic":
        send(actions["upload"], "PUT", data, {"Content-type": "text/csv"})
    else:
        if "init" in actions:
            send(actions["init"], "POST", actions["init"].get("body"))
        for part in actions["parts"]:
            start = part.get("pos", 0)
            send(part, "PUT", data[start : start + part["size"]] if part.get("size") else data[start:])
        if "commit" in actions:
            send(actions["commit"], "POST", actions["commit"].get("body"))
    if "verify" in actions:
        verify = actions["verify"]
        preflight(verify["href"], "POST")
        answer = requests.post(verify["href"], json=thing, headers={**media, **verify.get("header", {})})
        assert answer.status_code == 200, answer.text
    return True, transfer


def pages():
    """A page with ckan-client-js: create, pushBlob, push, retrieve."""
    created = action("package_create", {"name": "birds", "title": "Birds", "owner_org": "aviary"})
    small, large = b"bird,count\nowl,3\n", os.urandom(12_000_000)
    assert push_blob(small, "aviary", "birds", "counts.csv") == (True, "basic"), "little is sent at once"
    assert push_blob(small, "aviary", "birds", "counts.csv")[0] is False, "it is there already"
    assert push_blob(large, "aviary", "birds", "all.bin") == (True, "multipart-basic")
    assert push_blob(large[:-1], "aviary", "birds", "rest.bin", ["basic"]) == (True, "basic")
    resources = [
        {"name": name, "url": name, "url_type": "upload", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(),
         "lfs_prefix": "aviary/birds", "format": name.rsplit(".")[-1].upper()}
        for name, data in [("counts.csv", small), ("all.bin", large)]
    ]
    pushed = action("package_update", {**created, "resources": resources})
    shown = action("package_show", {"name_or_id": "birds"}, get=True)
    assert shown == pushed and [one["name"] for one in shown["resources"]] == ["counts.csv", "all.bin"], shown

    # As a CKAN page leads to the file.
    for resource, data in zip(shown["resources"], [small, large]):
        answer = requests.get(resource["url"], headers={"Authorization": reader})
        assert answer.content == data and resource["name"] in answer.headers["Content-Disposition"], answer.headers
        refused = requests.get(resource["url"])
        assert refused.status_code == 401, refused.status_code
    return shown, large


def datapub(shown):
    """The resource editor: add a resource, have it shown, give it up."""
    data = b"a\n1\n"
    push_blob(data, "aviary", "birds", "more.csv")
    payload = {
        "package_id": shown["id"], "name": "more.csv", "url": "more.csv", "url_type": "upload", "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(), "lfs_prefix": "aviary/birds", "bq_table_name": "7f2c", "format": "CSV",
        "sample": {"0": {"a": 1}}, "schema": {"fields": [{"name": "a", "type": "integer"}]},
    }
    made = action("resource_create", payload)
    assert (made["sample"], made["schema"]) == (payload["sample"], payload["schema"]), made
    whole = action("package_show", {"id": shown["id"]})
    assert whole["state"] == "active" and whole["resources"][-1] == made
    made["description"] = "One more"
    assert action("resource_update", made)["description"] == "One more"
    action("resource_delete", {"id": made["id"]})
    assert action("package_show", {"id": shown["id"]})["resources"] == shown["resources"]


def storage(shown, large):
    """ckanext-blob-storage: a token for one resource, and giftless-client with it."""
    resource = shown["resources"][1]
    scope = f"obj:aviary/birds/{resource['id']}:read"
    client = LfsClient(url, token([scope], key=reader))
    objects = [{"oid": resource["sha256"], "size": resource["size"], "x-filename": "wölf.bin", "x-disposition": "inline"}]
    found = client.batch(resource["lfs_prefix"], "download", objects)["objects"][0]["actions"]["download"]
    answer = requests.get(found["href"], headers=found.get("header", {}))
    assert answer.content == large and answer.headers["Content-Disposition"].startswith("inline"), answer.headers
    assert "w%C3%B6lf.bin" in answer.headers["Content-Disposition"]
    back = io.BytesIO()
    client.download(back, resource["sha256"], resource["size"], "aviary", "birds", filename="all.bin")
    assert back.getvalue() == large
    try:
        client.batch("aviary/birds", "download", [{"oid": shown["resources"][0]["sha256"], "size": 17}])
        raise AssertionError("a token for one resource opened another one")
    except LfsError as refused:
        assert refused.status_code in (403, 404), refused.status_code

    writer = LfsClient(url, token("obj:aviary/birds/*:read,write"))
    for size, transfers in [(1000, None), (11_000_001, None), (11_000_002, ["basic"])]:
        data = os.urandom(size)
        client = writer if transfers is None else LfsClient(url, token("obj:aviary/birds/*:read,write"), transfers)
        for _ in range(2):  # the second time it is there already
            sent = client.upload(io.BytesIO(data), "aviary", "birds", filename="some.bin")
        assert sent["oid"] == hashlib.sha256(data).hexdigest()
        back = io.BytesIO()
        writer.download(back, sent["oid"], sent["size"], "aviary", "birds")
        assert back.getvalue() == data
    try:
        LfsClient(url, token("obj:aviary/birds/*:write", key=reader)).upload(io.BytesIO(b"x"), "aviary", "birds")
        raise AssertionError("a reader uploaded")
    except LfsError as refused:
        assert refused.status_code in (403, 404), refused.status_code


def versions(shown):
    """A page of ckanext-versioning."""
    action("dataset_release_create", {"dataset": "birds", "name": "1.0", "description": "First"})
    action("package_update", {**action("package_show", {"id": "birds"}), "title": "Later"})
    reply = action("dataset_release_diff", {"id": "birds", "revision_ref_1": "1.0", "revision_ref_2": "current"}, get=True)
    assert '+  "title": "Later"' in reply["diff"], reply["diff"]
    then = action("package_show", {"id": "birds", "revision_ref": "1.0"}, get=True, key=reader)
    assert then["title"] == "Birds" and then["resources"][0]["url"].endswith("?revision_ref=1.0")
    assert requests.get(then["resources"][0]["url"], headers={"Authorization": reader}).text == "bird,count\nowl,3\n"
    assert action("dataset_revert", {"dataset": "birds", "revision_ref": "1.0"})["title"] == "Birds"
    assert [one["name"] for one in action("dataset_release_list", {"dataset": "birds"}, get=True)] == ["1.0"]


shown, large = pages()
datapub(shown)
storage(shown, large)
versions(shown)
print("done")
