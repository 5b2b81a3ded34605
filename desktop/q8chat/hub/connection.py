"""Talking to the hub: which one, as whom, and what its errors mean.

with talking_to_hub(repo) as hub:
    info = hub.api().model_info(repo)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from q8chat.core.errors import (
    GatedRepoError,
    HubError,
    HubUnreachableError,
    OfflineError,
    RemoteFileNotFoundError,
    RepoNotFoundError,
    RevisionNotFoundError,
)
from q8chat.hub import token
from q8chat.hub.client import check_online, reach
from q8chat.hub.loading import quiet_import

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import HfApi


@dataclass(frozen=True, slots=True)
class Hub:
    """An address that was reached a moment ago, and the user's token for it ("" if there is none)."""

    endpoint: str
    token: str = field(repr=False)

    def api(self) -> HfApi:
        """huggingface_hub's client; False keeps it from looking for a token itself."""
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=self.token or False, library_name="q8chat")

    def headers(self) -> dict[str, str]:
        """For requests to `endpoint`, and to no other origin."""
        from huggingface_hub.utils._headers import build_hf_headers

        return dict(build_hf_headers(token=self.token or False, library_name="q8chat"))

    def file_url(self, repo: str, path: str, revision: str) -> str:
        """Where a file is; the hub may redirect from there to another origin."""
        from huggingface_hub import hf_hub_url

        return hf_hub_url(repo, path, revision=revision, endpoint=self.endpoint)

    def page_url(self, repo: str) -> str:
        """The repository's page for people."""
        return f"{self.endpoint}/{repo}"


def endpoint() -> str:
    """HF_ENDPOINT, or what huggingface_hub has as default. Raises HubError."""
    asked = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/")
    if asked and not asked.startswith(("http://", "https://")):
        raise HubError("HF_ENDPOINT is not an address.", "It should begin with https:// or be unset.")
    if asked:
        return asked
    quiet_import()
    from huggingface_hub import constants

    return constants._HF_DEFAULT_ENDPOINT


@contextmanager
def talking_to_hub(repo: str = "", revision: str = "", path: str = "") -> Iterator[Hub]:
    """Checks offline mode and that the hub is there, and turns what goes wrong inside into a HubError.

    `repo`, `revision` and `path` are for the messages. Raises OfflineError before anything is sent,
    HubUnreachableError within 3 s if nobody is there, GatedRepoError, RepoNotFoundError, RevisionNotFoundError,
    RemoteFileNotFoundError, and HubError for everything else.
    """
    check_online()
    address = endpoint()
    reach.check(address)
    quiet_import()
    import httpx2
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError, OfflineModeIsEnabled

    hub = Hub(address, token.find()[0])
    about = _About(hub, repo, revision, path)
    try:
        yield hub
    except OfflineModeIsEnabled as e:
        raise OfflineError("Offline mode is on, so the hub is not asked.", "Unset HF_HUB_OFFLINE.") from e
    except HFValidationError as e:
        raise RepoNotFoundError(f"{repo!r} is not a repository's name.", "Names look like publisher/name.") from e
    except EntryNotFoundError as e:
        raise RemoteFileNotFoundError(f"{repo} has no file {path}.", "Look at the files it has.") from e
    except httpx2.TimeoutException as e:
        raise HubUnreachableError(f"{address} does not answer.", "Try again in a moment.") from e
    except httpx2.HTTPError as e:
        raise about.explain(e) from e
    except (httpx2.InvalidURL, httpx2.StreamError, ImportError) as e:  # ImportError: a SOCKS proxy needs a package
        raise HubError(f"{address} can't be asked.", "Check the proxy settings and HF_ENDPOINT.") from e
    except (KeyError, TypeError, ValueError) as e:  # inside huggingface_hub, which trusts the hub
        raise HubError(f"{address} answered something that is not understood.", "Is HF_ENDPOINT right?") from e


@dataclass(frozen=True, slots=True)
class _About:
    """What was asked, for the messages."""

    hub: Hub
    repo: str
    revision: str
    path: str

    def explain(self, error: httpx2.HTTPError) -> HubError:
        """The order counts: a gated repository is also one that is not found."""
        from huggingface_hub import errors

        explanations = (
            (errors.GatedRepoError, self._gated),
            (errors.RepositoryNotFoundError, self._not_found),
            (errors.DisabledRepoError, self._disabled),
            (errors.RevisionNotFoundError, self._no_revision),
        )
        for kind, explanation in explanations:
            if isinstance(error, kind):
                return explanation()
        response = getattr(error, "response", None)
        if response is None:
            return HubUnreachableError(
                f"The connection to {self.hub.endpoint} broke ({type(error).__name__}).", "Try again."
            )
        return self._status(response)

    def _gated(self) -> HubError:
        page = self.hub.page_url(self.repo)
        if not self.hub.token:
            return GatedRepoError(
                f"{self.repo} is gated: its publisher wants you to accept terms first.",
                f"Sign in at {page}, accept them, then set HF_TOKEN or store a token in the settings.",
            )
        return GatedRepoError(
            f"{self.repo} is gated, and your token does not open it.",
            f"Accept its terms at {page} (the publisher may have to agree) and check that the token may read it.",
        )

    def _not_found(self) -> HubError:
        if not self.hub.token:
            hint = "Check the name. If it is private, set HF_TOKEN or store a token in the settings."
        else:
            hint = "Check the name. If it is private, your token needs the right to read it."
        return RepoNotFoundError(f"There is no repository {self.repo} on the hub.", hint)

    def _disabled(self) -> HubError:
        return RepoNotFoundError(f"{self.repo} was disabled by the hub.", "Choose another repository.")

    def _no_revision(self) -> HubError:
        return RevisionNotFoundError(
            f"{self.repo} has no revision {self.revision!r}.", "Use main, or a branch, tag or commit it has."
        )

    def _status(self, response: httpx2.Response) -> HubError:
        status, host = response.status_code, self.hub.endpoint
        if status == 401:
            return HubError(f"{host} does not accept your token.", "Set HF_TOKEN to a new one, or unset it.")
        if status == 429:
            wait = response.headers.get("Retry-After", "")
            when = f"in {wait} seconds" if wait.isdecimal() else "in some minutes"
            return HubError(f"{host} gets too many requests from here.", f"Try again {when}.")
        if status >= 500:
            return HubError(f"{host} has a problem of its own ({status}).", "Try again in some minutes.")
        return HubError(f"{host} refused the request ({status}).", "Check the name, the token and HF_ENDPOINT.")
