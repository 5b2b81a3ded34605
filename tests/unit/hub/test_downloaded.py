"""What is here already is found without the hub."""

from __future__ import annotations

import os
import time
from pathlib import Path

from q8chat.hub.download import download
from q8chat.hub.downloaded import downloaded
from tests.fakes.hub_server import HubServer
from tests.unit.hub.download_driver import REPO, noise, selection

SHARDS = ("m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf")


def test_only_whole_and_untouched_models_count(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {name: noise(1000) for name in ("m-Q4_K_M.gguf", *SHARDS)})
    assert downloaded(REPO, "Q4_K_M", tmp_path) == []
    q4 = download(selection(hub, "m-Q4_K_M.gguf"), root=tmp_path)
    download(selection(hub, SHARDS[0]), root=tmp_path)
    assert downloaded(REPO, "q4_k_m", tmp_path) == q4
    assert downloaded(REPO, "m-Q4_K_M.gguf", tmp_path) == q4
    assert downloaded(REPO, "Q8_0", tmp_path) == []  # a shard is missing
    both = download(selection(hub, *SHARDS), root=tmp_path)
    hub.requests.clear()
    assert downloaded(REPO, "Q8_0", tmp_path) == both
    assert hub.requests == []
    later = time.time() + 5
    os.utime(q4[0], (later, later))
    assert downloaded(REPO, "Q4_K_M", tmp_path) == []


def test_shards_of_two_commits_are_no_model(hub: HubServer, tmp_path: Path) -> None:
    repo = hub.add_repo(REPO, {name: noise(1000, 1) for name in SHARDS})
    download(selection(hub, SHARDS[0]), root=tmp_path)
    repo.commit({name: noise(1000, 2) for name in SHARDS})
    download(selection(hub, SHARDS[1]), root=tmp_path)
    assert downloaded(REPO, "Q8_0", tmp_path) == []


def test_a_shard_that_a_new_commit_left_alone_counts_for_it(hub: HubServer, tmp_path: Path) -> None:
    repo = hub.add_repo(REPO, {name: noise(1000, 1) for name in SHARDS})
    download(selection(hub, SHARDS[0]), root=tmp_path)
    repo.commit({**repo.commits[repo.branches["main"]], "new.gguf": b"x"})
    both = download(selection(hub, *SHARDS), root=tmp_path)
    assert hub.sent(f"{REPO}/{SHARDS[0]}") == 1000
    assert downloaded(REPO, "Q8_0", tmp_path) == both
