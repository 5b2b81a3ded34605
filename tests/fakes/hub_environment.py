"""Points this process and its children to a fake hub, and away from the user's own token, keyring and proxy."""

from __future__ import annotations

from pathlib import Path

import pytest

from q8chat.hub import token
from q8chat.hub.client import reach
from q8chat.hub.loading import quiet_import
from tests.fakes.hub_server import HubServer

NULL_KEYRING = "keyring.backends.null.Keyring"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_UNSET = ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_TOKEN_PATH", "HF_OIDC_RESOURCE", "TRANSFORMERS_OFFLINE")


def use_hub(monkeypatch: pytest.MonkeyPatch, hub: HubServer, home: Path) -> None:
    """Without a token. `home`: a folder for what huggingface_hub itself keeps."""
    for name in (*_UNSET, *_PROXIES, *(p.upper() for p in _PROXIES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", NULL_KEYRING)
    quiet_import()
    import keyring
    from huggingface_hub import close_session, constants
    from keyring.backends import null

    keyring.set_keyring(null.Keyring())
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))  # read from the environment at import
    monkeypatch.setattr(token, "_lookup", None)
    close_session()  # the client keeps the proxies of the time when it was made
    reach.forget()
