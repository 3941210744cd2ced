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
with open(api.hf_hub_download(**kind, filename="recordings/all.raw"), "rb") as file:
    assert file.read() == content
