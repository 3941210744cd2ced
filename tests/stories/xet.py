"""Versions of a large file, uploaded by Hugging Face's client as it comes: by Xet, which sends what is new."""

import os
import sys

from huggingface_hub import HfApi, HfFileSystem

command, path = sys.argv[1:]
api = HfApi()
kind = {"repo_id": "ada/birds", "repo_type": "dataset"}

with open(path, "rb") as file:
    content = file.read()
if command == "upload":
    api.create_repo(**kind, private=True, exist_ok=True)
    api.upload_file(path_or_fileobj=path, path_in_repo="recordings/all.raw", **kind)
elif command == "folder":
    api.upload_folder(folder_path=os.path.dirname(path), path_in_repo="folder", **kind)
    if hasattr(api, "upload_large_folder"):  # not since 2.0
        api.upload_large_folder(folder_path=os.path.dirname(path), **kind)
    with HfFileSystem().open("datasets/ada/birds/written.raw", "wb") as file:
        file.write(content)
    for name in ["folder/all.raw", "written.raw"]:
        with open(api.hf_hub_download(**kind, filename=name), "rb") as file:
            assert file.read() == content, name
if command == "first":
    first = api.list_repo_commits(**kind)[-2].commit_id
    tree = api.list_repo_tree(**kind, path_in_repo="recordings", revision=first)
    assert [file.xet_hash is not None for file in tree] == [True]
    with open(api.hf_hub_download(**kind, filename="recordings/all.raw", revision=first), "rb") as file:
        assert file.read() == content
    fs = HfFileSystem()
    with fs.open("datasets/ada/birds/recordings/all.raw", revision=first, block_size=2**20) as file:
        for start in [0, 1, len(content) // 2, len(content) - 100_000]:
            file.seek(start)
            assert file.read(100_000) == content[start : start + 100_000], start
else:
    with open(api.hf_hub_download(**kind, filename="recordings/all.raw"), "rb") as file:
        assert file.read() == content
