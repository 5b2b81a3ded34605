"""The HTTP client `huggingface_hub` uses in our processes.

Its own waits for ever and, when nobody is there, tries for 24 s.
"""

from __future__ import annotations

import os
import socket
import time
import urllib.request
from collections.abc import Callable
from functools import lru_cache
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from q8chat.core import settings
from q8chat.core.errors import HubUnreachableError, OfflineError

CONNECT_S = 2.0  # with the start of Python the user hears of it within 3 s
ANSWER_S = 10.0
TRUSTED_S = 30.0  # how long a host that was reached is not tried again


def is_offline() -> bool:
    """Whether the network must not be touched: the user's setting, or HF_HUB_OFFLINE."""
    return is_offline_by_environment() or settings.load().offline


def is_offline_by_environment() -> bool:
    """Whether HF_HUB_OFFLINE says so, which no setting can change."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def check_online() -> None:
    """Raises OfflineError in offline mode."""
    if is_offline():
        raise OfflineError(
            "Offline mode is on, so the hub is not asked.", "Turn it off in the settings, or unset HF_HUB_OFFLINE."
        )


def unreachable(host: str) -> HubUnreachableError:
    """Nobody answers at `host`."""
    return HubUnreachableError(
        f"{host} can't be reached.", "Check the network connection, the proxy and HF_ENDPOINT, then try again."
    )


def _distrusted(host: str) -> HubUnreachableError:
    """Somebody else may be in between, often the network's own filter."""
    return HubUnreachableError(
        f"{host} shows a certificate that this machine does not trust.",
        "If your network has a certificate of its own, set SSL_CERT_FILE to it.",
    )


class Reach:
    """Knows which hosts were reached a moment ago."""

    def __init__(self) -> None:
        self._reached: dict[tuple[str, int], float] = {}
        self._lock = Lock()

    def check(self, url: str) -> None:
        """Raises HubUnreachableError within CONNECT_S, however slow names are looked up, for an `http(s)` URL."""
        host, port = _first_hop(url)
        with self._lock:
            if time.monotonic() - self._reached.get((host, port), -TRUSTED_S) < TRUSTED_S:
                return
        connected: list[bool] = []

        def connect() -> None:
            try:
                socket.create_connection((host, port), CONNECT_S).close()
                connected.append(True)
            except (OSError, UnicodeError):  # UnicodeError: a host name no resolver takes
                pass

        thread = Thread(target=connect, name="hub-reach", daemon=True)
        thread.start()
        thread.join(CONNECT_S)
        if not connected:
            raise unreachable(host)
        with self._lock:
            self._reached[host, port] = time.monotonic()

    def forget(self) -> None:
        """A connection failed: try the hosts again first."""
        with self._lock:
            self._reached.clear()


reach = Reach()


def _first_hop(url: str) -> tuple[str, int]:
    """Host and port of the proxy the environment names for this URL, or of the URL's own server."""
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


@lru_cache(maxsize=1)
def _client_class() -> Callable[..., Any]:
    import httpx2

    class Client(httpx2.Client):
        """Every request of the process passes here, also what huggingface_hub asks on its own."""

        def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
            check_online()
            limits = request.extensions.get("timeout", {})
            connect, read = limits.get("connect"), limits.get("read")
            request.extensions["timeout"] = {
                "connect": min(connect or CONNECT_S, CONNECT_S),
                "read": read or ANSWER_S,
                "write": limits.get("write") or ANSWER_S,
                "pool": limits.get("pool") or ANSWER_S,
            }
            try:
                return super().send(request, **options)
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as e:
                reach.forget()
                if "CERTIFICATE_VERIFY_FAILED" in str(e):
                    raise _distrusted(request.url.host) from e
                # Not an httpx2 error, or huggingface_hub would try again five times.
                raise unreachable(request.url.host) from e

    return Client


def new_client() -> Any:
    """For huggingface_hub's set_client_factory."""
    from huggingface_hub.utils._http import hf_request_event_hook

    hooks = {"request": [hf_request_event_hook]}
    return _client_class()(event_hooks=hooks, follow_redirects=True, timeout=None)  # `send` sets it
