"""How this user may read what the hub does not show to everybody, as calls of the worker."""

from __future__ import annotations

import msgspec

from q8chat.hub import connection, token


class Access(msgspec.Struct, frozen=True):
    """`token`: where the token is from ("environment", "keyring", "huggingface_hub"), "" if there is none.

    `page`: address of the repository for people. The token itself never crosses back.
    """

    token: str
    page: str


def access(repo: str) -> Access:
    """Asks nobody but the system's keyring. Raises HubError if HF_ENDPOINT is no address."""
    return Access(token.source(), f"{connection.endpoint()}/{repo}")


def store_token(secret: str, repo: str) -> Access:
    """Put it into the system's keyring. Raises HubError."""
    token.store(secret)
    return access(repo)
