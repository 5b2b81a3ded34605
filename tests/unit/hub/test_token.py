"""Where the token comes from, and that a keyring which hangs or fails costs seconds at most."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from q8chat.core.errors import HubError
from q8chat.hub import token
from q8chat.hub.search import search
from tests.fakes.hub_server import HubServer


class MemoryKeyring(KeyringBackend):
    """A real backend that forgets."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.passwords: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.passwords[service, username]


class LockedKeyring(MemoryKeyring):
    """Refuses."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("no")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(f"can't keep {password}")


class SlowKeyring(MemoryKeyring):
    """Answers when told to, as one that asks the user to unlock it."""

    def __init__(self) -> None:
        super().__init__()
        self.unlocked = Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.unlocked.wait(30)
        return "hf_late"


def test_none(anonymous: HubServer) -> None:
    assert token.find() == ("", "")
    search("x")
    assert anonymous.requests[-1].authorization == ""


def test_from_the_environment_first(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring.set_keyring(MemoryKeyring())
    token.store("hf_of_the_keyring")
    monkeypatch.setenv("HF_TOKEN", f" {hub.token}\n")
    assert token.find() == (hub.token, "environment")
    search("x")
    assert hub.requests[-1].authorization == f"Bearer {hub.token}"


def test_stored_and_forgotten(anonymous: HubServer) -> None:
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    token.store(anonymous.token)
    assert backend.passwords == {("q8chat", "token"): anonymous.token}
    assert token.find() == (anonymous.token, "keyring")
    search("x")
    assert anonymous.requests[-1].authorization == f"Bearer {anonymous.token}"
    token.forget()
    token.forget()
    assert token.find() == ("", "")


def test_what_huggingface_hub_keeps_is_used_last(anonymous: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    Path(constants.HF_TOKEN_PATH).write_text(anonymous.token)
    assert token.find() == (anonymous.token, "huggingface_hub")


def test_a_keyring_that_hangs_is_waited_for_once(anonymous: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token, "LOOKUP_S", 0.5)
    slow = SlowKeyring()
    keyring.set_keyring(slow)
    started = time.monotonic()
    assert token.find() == ("", "")
    assert 0.4 < time.monotonic() - started < 1.5
    started = time.monotonic()
    assert token.find() == ("", "")
    assert time.monotonic() - started < 0.1
    slow.unlocked.set()
    assert token._lookup is not None
    assert token._lookup.wait(5)
    assert token.find() == ("hf_late", "keyring")


def test_a_keyring_that_refuses_is_none(anonymous: HubServer) -> None:
    keyring.set_keyring(LockedKeyring())
    assert token.find() == ("", "")
    with pytest.raises(HubError, match="keyring can't be used") as caught:
        token.store("hf_secret")
    assert "HF_TOKEN" in caught.value.hint
    assert "hf_secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "  ", "hf_\ta", "hf_ä", "hf a", "hf_\x00"])
def test_what_can_not_be_a_token(anonymous: HubServer, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HubError, match="not a token"):
        token.store(text)
    if "\x00" not in text:
        monkeypatch.setenv("HF_TOKEN", text)
        assert token.find() == ("", "")
