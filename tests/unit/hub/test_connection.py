"""What the user is told when the hub is not there, or says no."""

from __future__ import annotations

import logging
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from q8chat.core import settings
from q8chat.core.errors import (
    GatedRepoError,
    HubError,
    HubUnreachableError,
    OfflineError,
    RemoteFileNotFoundError,
    RepoNotFoundError,
    RevisionNotFoundError,
)
from q8chat.hub import client
from q8chat.hub.connection import talking_to_hub
from q8chat.hub.remote_header import read_remote_header
from q8chat.hub.repo import repo_page
from q8chat.hub.search import search
from tests.fakes.hub_server import HubServer
from tests.unit.gguf_files.small_gguf import gguf

SOON = 3.0  # seconds
WATCHED = """
import sys
seen = []
sys.addaudithook(lambda event, args: seen.append(event) if event.startswith("socket.") else None)
from q8chat.cli import run
code = run(["search", "x"])
print(code, [e for e in seen if e != "socket.__new__"])
"""


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that takes no more connections and refuses none: its queue is full."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for s in (first, second):
            s.setblocking(False)
            s.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def _refused() -> str:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{s.getsockname()[1]}"


def test_a_refused_connection_is_said_at_once(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", _refused())
    started = time.monotonic()
    with pytest.raises(HubUnreachableError, match=r"127\.0\.0\.1 can't be reached"):
        search("x")
    assert time.monotonic() - started < SOON


def test_no_answer_at_all_is_said_within_three_seconds(
    hub: HubServer, black_hole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", black_hole)
    started = time.monotonic()
    with pytest.raises(HubUnreachableError, match="can't be reached"):
        repo_page("org/name")
    assert 1.0 < time.monotonic() - started < SOON


def test_a_name_nobody_has_is_said_within_three_seconds(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    started = time.monotonic()
    with pytest.raises(HubUnreachableError, match=r"hub\.invalid"):
        search("x")
    assert time.monotonic() - started < SOON


def test_a_hub_that_goes_away_is_noticed(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the time in which it is trusted to be there: then huggingface_hub's client meets it first."""
    search("x")
    monkeypatch.setitem(client.reach._reached, ("127.0.0.1", 9), time.monotonic())
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(HubUnreachableError):
        search("x")
    assert time.monotonic() - started < SOON


def test_a_silent_hub_is_not_waited_for_for_ever(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 0.3)
    hub.fault("/api/models", delay=5)
    with pytest.raises(HubUnreachableError, match="does not answer"):
        search("x")


def test_a_proxy_of_the_environment_is_used(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add_repo("org/name", {}, gguf={"total": 1})
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("http_proxy", hub.endpoint)
    assert [hit.repo for hit in search("org").hits] == ["org/name"]
    assert hub.requests[-1].path.startswith("http://hub.invalid/api/models?")


def test_a_dead_proxy_is_said_at_once(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("http_proxy", _refused())
    started = time.monotonic()
    with pytest.raises(HubUnreachableError, match="proxy"):
        search("x")
    assert time.monotonic() - started < SOON


def test_offline_opens_no_socket(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "1 []"
    assert "Offline mode is on" in done.stderr
    monkeypatch.delenv("HF_HUB_OFFLINE")
    online = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, timeout=30, check=True)
    assert "socket.connect" in online.stdout  # or the first half of this test sees nothing


def test_offline_by_the_setting(hub: HubServer) -> None:
    settings.save(replace(settings.load(), offline=True))
    with pytest.raises(OfflineError, match="Turn it off in the settings"):
        repo_page("org/name")
    assert hub.requests == []


def test_going_offline_stops_the_next_request(hub: HubServer) -> None:
    with pytest.raises(OfflineError), talking_to_hub() as hub_now:
        settings.save(replace(settings.load(), offline=True))
        hub_now.api().model_info("org/name")
    assert hub.requests == []


def test_gated_without_a_token(anonymous: HubServer) -> None:
    anonymous.add_repo("org/name", {"m.gguf": gguf()}, gated="auto")
    with pytest.raises(GatedRepoError, match="accept terms") as caught:
        read_remote_header("org/name", "m.gguf")
    assert f"{anonymous.endpoint}/org/name" in caught.value.hint
    assert "HF_TOKEN" in caught.value.hint


def test_gated_with_a_token_that_is_not_in_the_list(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add_repo("org/name", {"m.gguf": gguf()}, gated="manual")
    monkeypatch.setenv("HF_TOKEN", hub.other_token)
    with pytest.raises(GatedRepoError, match="your token does not open it"):
        read_remote_header("org/name", "m.gguf")
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert read_remote_header("org/name", "m.gguf").architecture == "llama"


def test_private_or_absent(anonymous: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    anonymous.add_repo("org/secret", {"m-Q4_0.gguf": gguf()}, private=True)
    for name in ("org/secret", "org/nothing"):
        with pytest.raises(RepoNotFoundError, match=f"no repository {name}") as caught:
            repo_page(name)
        assert "private" in caught.value.hint
        assert "HF_TOKEN" in caught.value.hint
    monkeypatch.setenv("HF_TOKEN", anonymous.token)
    assert repo_page("org/secret").private
    with pytest.raises(RepoNotFoundError, match="your token needs the right"):
        repo_page("org/nothing")


def test_disabled(hub: HubServer) -> None:
    hub.add_repo("org/name", {"m.gguf": gguf()}, disabled=True)
    with pytest.raises(RepoNotFoundError, match="disabled"):
        repo_page("org/name")


def test_no_such_revision_or_file(hub: HubServer) -> None:
    hub.add_repo("org/name", {"m.gguf": gguf()})
    with pytest.raises(RevisionNotFoundError, match="'v2'"):
        repo_page("org/name", "v2")
    with pytest.raises(RevisionNotFoundError, match="'v2'"):
        read_remote_header("org/name", "m.gguf", "v2")
    with pytest.raises(RemoteFileNotFoundError, match=r"no file n\.gguf"):
        read_remote_header("org/name", "n.gguf")


@pytest.mark.parametrize("name", ["", "a/b/c", "-x/y", "org/na me", "../x", "org/name.git"])
def test_names_that_are_none(hub: HubServer, name: str) -> None:
    with pytest.raises(RepoNotFoundError, match="is not a repository's name"):
        repo_page(name)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 503}, r"problem of its own \(503\)"),
        ({"status": 429, "retry_after": 17}, "Try again in 17 seconds"),
        ({"status": 429}, "Try again in some minutes"),
        ({"status": 418}, r"refused the request \(418\)"),
        ({"body": "<html>Please log in to the hotel's network</html>"}, "not understood"),
        ({"body": '{"error": "x"}'}, "not understood"),
        ({"body": '[{"name": "x"}]'}, "not understood"),
    ],
)
def test_answers_that_are_of_no_use(hub: HubServer, fault: dict[str, object], said: str) -> None:
    hub.fault("/api/models", **fault)
    started = time.monotonic()
    with pytest.raises(HubError, match=said):
        search("x")
    assert time.monotonic() - started < SOON


def test_an_endpoint_that_is_no_address(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "hub.example")
    with pytest.raises(HubError, match="HF_ENDPOINT is not an address"):
        search("x")


def test_a_token_the_hub_refuses_is_not_shown(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HF_TOKEN", "hf_SecretOfTheUser")
    with pytest.raises(HubError, match="does not accept your token") as caught:
        search("x")
    with talking_to_hub() as connected:
        shown = repr(connected) + repr(connected.api())
    assert hub.requests[-1].authorization == "Bearer hf_SecretOfTheUser"
    assert "SecretOfTheUser" not in str(caught.value) + shown + caplog.text


def test_a_redirect_to_another_origin_does_not_take_the_token_along(hub: HubServer) -> None:
    hub.add_repo("org/name", {"m.gguf": b"weights"}, gated="auto")
    with talking_to_hub() as connected:
        from huggingface_hub import get_session

        url = connected.file_url("org/name", "m.gguf", "main")
        assert get_session().get(url, headers=connected.headers()).content == b"weights"
    assert [(r.origin, bool(r.authorization)) for r in hub.requests] == [("hub", True), ("storage", False)]
    assert hub.leaks == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_certificate_nobody_knows(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    make += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(make, check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = hub._hub.socket
    hub._hub.socket = context.wrap_socket(server, server_side=True)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint.replace("http://127.0.0.1", "https://localhost"))
    with pytest.raises(HubUnreachableError, match="certificate that this machine does not trust") as caught:
        search("x")
    assert "SSL_CERT_FILE" in caught.value.hint
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    from huggingface_hub import close_session

    close_session()
    assert search("x").hits == ()


def test_nothing_else_is_asked(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No telemetry, also where huggingface_hub thinks that an AI agent runs it and would ask which."""
    for name in ("CLAUDECODE", "AI_AGENT"):
        monkeypatch.setenv(name, "1")
    command = [sys.executable, "-m", "q8chat", "search", "x"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "Nothing found.\n"
    assert [r.path.partition("?")[0] for r in hub.requests] == ["/api/models"]
