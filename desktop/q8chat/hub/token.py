"""The user's token for the hub: from HF_TOKEN, the system's keyring, or where `huggingface_hub` itself keeps it.

It is never written to a file of ours, and no message, log or repr shows it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Thread
from typing import Generic, Literal, TypeVar

from q8chat.core.errors import HubError

SERVICE, USER = "q8chat", "token"
LOOKUP_S = 2.0  # a keyring that is locked asks the user, and one without its bus may never answer
STORE_S = 60.0
Source = Literal["environment", "keyring", "huggingface_hub", ""]
T = TypeVar("T")


class _Call(Generic[T]):
    """A call of the keyring in a thread of its own, since nothing else can end the waiting for it."""

    def __init__(self, call: Callable[[], T]) -> None:
        self.done, self.value, self.failure = False, None, ""
        self._call = call
        self._thread = Thread(target=self._run, name="keyring", daemon=True)
        self._thread.start()

    value: T | None

    def _run(self) -> None:
        try:
            from keyring.errors import KeyringError
        except ImportError:  # a build without it
            self.failure = "there is none"
            return
        try:
            self.value = self._call()
        except (KeyringError, OSError, RuntimeError) as e:  # RuntimeError: a backend without its libraries
            self.failure = type(e).__name__
        self.done = True

    def wait(self, seconds: float) -> bool:
        """Whether it ended, well or not."""
        self._thread.join(seconds)
        return not self._thread.is_alive()


def _read() -> str | None:
    import keyring

    return keyring.get_password(SERVICE, USER)


_lookup: _Call[str | None] | None = None


def _from_keyring() -> str:
    """A keyring that was too slow once is not waited for again; its answer counts as soon as it comes."""
    global _lookup  # noqa: PLW0603
    first = _lookup is None
    if _lookup is None:
        _lookup = _Call(_read)
    _lookup.wait(LOOKUP_S if first else 0.0)
    return _clean(_lookup.value or "")


def _from_library() -> str:
    from q8chat.hub.loading import quiet_import

    quiet_import()
    from huggingface_hub import get_token
    from huggingface_hub.errors import DeviceCodeError, OIDCError

    try:
        return _clean(get_token() or "")
    except (OIDCError, DeviceCodeError, OSError, HubError):  # HubError: renewing it takes the hub
        return ""


def _clean(token: str) -> str:
    """Without line breaks (as huggingface_hub has it) and white space around.

    "" if it could not be sent in a header, where an error would quote it.
    """
    token = token.replace("\r", "").replace("\n", "").strip()
    return token if token.isascii() and token.isprintable() and " " not in token else ""


def find() -> tuple[str, Source]:
    """The token and where it is from; ("", "") if there is none. Takes some seconds at most."""
    if token := _clean(os.environ.get("HF_TOKEN", "")):
        return token, "environment"
    if token := _from_keyring():
        return token, "keyring"
    if token := _from_library():
        return token, "huggingface_hub"
    return "", ""


def source() -> Source:
    """Where the token is from; what a window may show, unlike the token."""
    return find()[1]


def store(token: str) -> None:
    """Put it into the system's keyring. Raises HubError."""
    cleaned = _clean(token)
    if not cleaned:
        raise HubError("This is not a token.", "Copy it again from the settings of your account on the hub.")

    def write() -> None:
        import keyring

        keyring.set_password(SERVICE, USER, cleaned)

    _change(write)


def forget() -> None:
    """Remove it from the system's keyring, if it is there. Raises HubError."""

    def remove() -> None:
        import keyring

        if keyring.get_password(SERVICE, USER) is not None:
            keyring.delete_password(SERVICE, USER)

    _change(remove)


def _change(change: Callable[[], None]) -> None:
    global _lookup  # noqa: PLW0603
    call = _Call(change)
    ended = call.wait(STORE_S)
    _lookup = None
    if not ended or call.failure:
        why = call.failure or "no answer"
        raise HubError(
            f"The system's keyring can't be used ({why}).", "Set the environment variable HF_TOKEN instead."
        )
