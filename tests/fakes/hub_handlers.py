"""The two origins of the fake hub: the hub itself, and the storage it redirects to."""

from __future__ import annotations

import json
import re
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.fakes.hub_contents import Content
from tests.fakes.hub_faults import Fault, Pace, reset
from tests.fakes.hub_repo import Repo, is_large

if TYPE_CHECKING:
    from tests.fakes.hub_server import HubServer

_API = re.compile(r"^/api/models/(?P<repo>[^/]+/[^/]+)(?:/(?P<what>revision|tree)/(?P<rev>[^/]+)(?P<rest>/.*)?)?$")
_RESOLVE = re.compile(r"^/(?P<repo>[^/]+/[^/]+)/resolve/(?P<rev>[^/]+)/(?P<path>.+)$")
_RANGE = re.compile(r"^bytes=(\d+)-(\d*)$")


class RefusalError(Exception):
    """An answer with a status of 4xx."""

    def __init__(self, status: int, code: str = "", text: str = "") -> None:
        super().__init__(text or code)
        self.status, self.code, self.text = status, code, text or code


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer
    origin: str

    def log_message(self, *args: Any) -> None:
        """Requests are kept in `HubServer.requests` instead."""

    def do_GET(self) -> None:
        self.url = urlsplit(self.path)
        self.query = parse_qs(self.url.query)
        self.hub.log(self.origin, self.command, self.path, dict(self.headers))
        try:
            self.answer()
        except RefusalError as e:
            self.refuse(e)

    def do_HEAD(self) -> None:
        self.do_GET()

    def answer(self) -> None:
        raise NotImplementedError

    def refuse(self, refusal: RefusalError) -> None:
        headers = {"X-Error-Message": refusal.text}
        if refusal.code:
            headers["X-Error-Code"] = refusal.code
        self.send_json({"error": refusal.text}, refusal.status, headers)

    def send_json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.begin(
            status, {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        )
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def fails(self, fault: Fault) -> bool:
        """Answer with the fault's status or body, if it has one."""
        if fault.delay:
            self.hub.stopping.wait(fault.delay)
        if fault.body is not None:
            self.begin(fault.status or 200, {"Content-Length": str(len(fault.body.encode()))})
            self.wfile.write(fault.body.encode())
            return True
        if not fault.status:
            return False
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        self.send_json({"error": HTTPStatus(fault.status).phrase}, fault.status, headers)
        return True

    def send_content(self, target: str, content: Content, headers: dict[str, str], fault: Fault) -> None:
        """The body, or the range of it that was asked for, with everything that shall go wrong."""
        start, end, status = 0, content.size, 200
        asked = _RANGE.match(self.headers.get("Range", ""))
        if fault.ranges != "none":
            headers = {**headers, "Accept-Ranges": "bytes"}
        if asked and fault.ranges != "none":
            status, start = 206, int(asked[1]) if fault.ranges == "yes" else 0
            end = min(content.size, int(asked[2]) + 1) if asked[2] else content.size
            if start >= content.size:
                raise RefusalError(416, text="Range Not Satisfiable")
            headers = {**headers, "Content-Range": f"bytes {start}-{end - 1}/{content.size}"}
        self.begin(status, {**headers, "Content-Length": str(end - start)})
        if self.command != "HEAD":
            self._send_body(target, content, start, end, fault)

    def _send_body(self, target: str, content: Content, start: int, end: int, fault: Fault) -> None:
        stops = [n for n in (fault.reset_after, fault.stall_after, fault.truncate_after) if n is not None]
        stop = min([end, *(start + n for n in stops)])
        pace = Pace(fault.rate, self.hub.stopping)
        at = start
        while at < stop:
            data = content.read(at, min(pace.chunk, stop - at))
            if fault.wrong_at is not None and at <= fault.wrong_at < at + len(data):
                i = fault.wrong_at - at
                data = data[:i] + bytes([data[i] ^ 0xFF]) + data[i + 1 :]
            self.wfile.write(data)
            self.hub.count(target, at, len(data))
            at += len(data)
            if not pace.wait(len(data)):
                self.close_connection = True
                return
        if stops and stop < end:
            self.close_connection = True
            if fault.stall_after is not None:
                self.hub.stopping.wait()
            elif fault.reset_after is not None:
                reset(self.connection)


class HubHandler(_Handler):
    """The API, and /resolve/, which serves small files and redirects to the storage for large ones."""

    def answer(self) -> None:
        path = self.url.path
        if self.fails(self.hub.faults.take(path)):
            return
        self._check_token()
        if path == "/api/models":
            self._search()
        elif path == "/api/whoami-v2":
            self.send_json({"type": "user", "name": "somebody"}) if self._known() else self.refuse(
                RefusalError(401)
            )
        elif match := _API.match(path):
            self._api(match)
        elif match := _RESOLVE.match(path):
            self._resolve(match)
        else:
            raise RefusalError(404, text="Not Found")

    def _known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.hub.token}"

    def _check_token(self) -> None:
        if self.headers.get("Authorization") and not (self._known() or self._stranger()):
            raise RefusalError(401, text="Invalid credentials in Authorization header")

    def _stranger(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.hub.other_token}"

    def _repo(self, name: str) -> Repo:
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and not self._known()):
            status = 404 if self._known() or self._stranger() else 401
            raise RefusalError(status, "RepoNotFound", "Repository not found")
        if repo.disabled:
            raise RefusalError(403, text="Access to this resource is disabled.")
        return repo

    def _commit(self, repo: Repo, revision: str) -> str:
        sha = repo.resolve(unquote(revision))
        if sha is None:
            raise RefusalError(404, "RevisionNotFound", f"Invalid rev id: {unquote(revision)}")
        return sha

    def _api(self, match: re.Match[str]) -> None:
        repo = self._repo(unquote(match["repo"]))
        sha = self._commit(repo, match["rev"] or "main")
        if match["what"] == "tree":
            folder = unquote(match["rest"] or "")
            self.send_json(repo.tree(sha, folder, self.query.get("recursive", ["false"])[0].lower() == "true"))
            return
        info = repo.info(sha, blobs="blobs" in self.query)
        self.send_json(_only(info, self.query.get("expand", [])))

    def _search(self) -> None:
        repos = self.hub.find(self.query.get("search", [""])[0], self.query.get("filter", []), self._known())
        sort = self.query.get("sort", ["trendingScore"])[0]
        repos.sort(key=lambda r: r.sort_key(sort), reverse=True)
        start = int(self.query.get("cursor", ["0"])[0])
        end = start + min(self.hub.page_size, int(self.query.get("limit", ["1000"])[0]))
        hits = [_only(r.info(r.branches["main"], False), self.query.get("expand", [])) for r in repos[start:end]]
        headers = {}
        if end < len(repos):
            kept = "&".join(f"{k}={quote(v)}" for k, vs in self.query.items() if k != "cursor" for v in vs)
            headers["Link"] = f'<{self.hub.endpoint}/api/models?{kept}&cursor={end}>; rel="next"'
        self.send_json(hits, headers=headers)

    def _resolve(self, match: re.Match[str]) -> None:
        repo = self._repo(unquote(match["repo"]))
        if repo.gated and not self._known():
            stranger = self._stranger()
            text = f"Access to model {repo.name} is restricted" + (
                " and you are not in the list" if stranger else ""
            )
            raise RefusalError(403 if stranger else 401, "GatedRepo", text)
        sha = self._commit(repo, match["rev"])
        path = unquote(match["path"])
        content = repo.commits[sha].get(path)
        if content is None:
            raise RefusalError(404, "EntryNotFound", "Entry not found")
        if not is_large(path):
            headers = {"X-Repo-Commit": sha, "ETag": f'"{content.git_sha1}"'}
            self.send_content(f"{repo.name}/{path}", content, headers, Fault())
            return
        expires = "" if self.hub.url_lifetime is None else f"?expires={time.time() + self.hub.url_lifetime:.3f}"
        headers = {
            "Location": f"{self.hub.storage}/{repo.name}/{sha}/{quote(path)}{expires}",
            "X-Repo-Commit": sha,
            "X-Linked-Etag": f'"{content.sha256}"',
            "X-Linked-Size": str(content.size),
            "ETag": f'"{content.git_sha1}"',
            "Content-Length": "0",
        }
        self.begin(302, headers)


class StorageHandler(_Handler):
    """Serves the bytes to whoever has the address; refuses a token like real storages do."""

    def answer(self) -> None:
        if self.headers.get("Authorization"):
            self.hub.leaks.append(self.path)
            raise RefusalError(400, text="Only one auth mechanism allowed")
        if float(self.query.get("expires", ["inf"])[0]) < time.time():
            raise RefusalError(403, text="Request has expired")
        owner, name, sha, path = unquote(self.url.path).lstrip("/").split("/", 3)
        content = self.hub.repos[f"{owner}/{name}"].commits[sha][path]
        target = f"{owner}/{name}/{path}"
        fault = self.hub.faults.take(target) if self.command == "GET" else Fault()
        if not self.fails(fault):
            self.send_content(target, content, {"ETag": f'"{content.sha256}"'}, fault)


def _only(info: dict[str, Any], expand: list[str]) -> dict[str, Any]:
    return {k: v for k, v in info.items() if k in ("_id", "id", *expand)} if expand else info
