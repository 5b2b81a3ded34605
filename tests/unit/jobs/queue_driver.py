"""A queue in this process whose news can be waited for, and an application of its own that can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import psutil

from q8chat.core.errors import Q8Error
from q8chat.jobs.kinds import KINDS as REAL_KINDS
from q8chat.jobs.queue import JobQueue
from q8chat.jobs.types import JobRecord, JobState
from tests.unit.jobs.kinds_for_tests import KINDS

WAIT = 20.0


def wait_for(condition: Callable[[], Any], what: str = "") -> Any:
    """The first true value of `condition`, or an assertion after 20 s."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited in vain: {what or condition}")


class Queue:
    """The real queue; `seen` has every record it told of, in order."""

    def __init__(self, folder: Path | None = None) -> None:
        self.seen: list[JobRecord] = []
        self.removed: list[str] = []
        self.problems: list[Q8Error] = []
        self.queue = JobQueue(
            self.seen.append, self.removed.append, self.problems.append, kinds=KINDS, folder=folder
        )
        self.queue.start()

    def count(self, folder: Path, until: int = 10, pause: float = 0.02, kind: str = "count") -> str:
        """Submit a job that counts in `folder`, which must exist."""
        folder.mkdir(exist_ok=True)
        return self.queue.submit(
            kind, f"Count in {folder.name}", {"folder": folder, "until": until, "pause": pause}
        )

    def get(self, job: str) -> JobRecord | None:
        """The record as it is now."""
        return next((r for r in self.queue.records() if r.id == job), None)

    def wait(self, job: str, state: JobState, steps: int = 0) -> JobRecord:
        """Until the job is in this state and that far."""

        def there() -> JobRecord | None:
            record = self.get(job)
            return record if record and record.state == state and record.progress.done >= steps else None

        found = wait_for(there, f"{job} {state}; it is {self.get(job)}")
        assert isinstance(found, JobRecord)
        return found


class App:
    """Another application with the same data folder, in a process of its own."""

    def __init__(self, kinds: Literal["test", "real"] = "test") -> None:
        command = [sys.executable, "-m", "tests.unit.jobs.queue_driver", kinds]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.records: dict[str, dict[str, Any]] = {}
        self.removed: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def tell(self, *words: Any) -> None:
        """submit KIND TITLE PARAMS, or act JOB ACTION."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()

    def wait(self, state: str, steps: int = 0) -> dict[str, Any]:
        """Until some job is in this state and that far."""

        def there() -> list[dict[str, Any]]:
            records = list(self.records.values())
            return [r for r in records if r["state"] == state and r["progress"]["done"] >= steps]

        found: list[dict[str, Any]] = wait_for(there, f"{state} among {self.records}")
        return found[0]

    def children(self) -> list[psutil.Process]:
        """Its processes."""
        return psutil.Process(self.process.pid).children()

    def kill(self) -> None:
        """As if the power of this application alone had failed."""
        assert self.process.stdin
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def close(self) -> None:
        """As a user does."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(WAIT) == 0

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                news = json.loads(line)
                if isinstance(news, str):
                    self.removed.append(news)
                else:
                    self.records[news["id"]] = news


def main() -> None:
    """The application: news on stdout, orders on stdin."""
    lock = threading.Lock()

    def say(news: JobRecord | str) -> None:
        from q8chat.jobs import wire

        with lock:
            os.write(1, wire.line(news))

    kinds = REAL_KINDS if sys.argv[1] == "real" else KINDS
    queue = JobQueue(say, say, lambda error: print(error, file=sys.stderr), kinds=kinds)
    queue.start()
    for line in sys.stdin:
        verb, *rest = json.loads(line)
        if verb == "submit":
            queue.submit(*rest)
        else:
            queue.act(*rest)
    queue.close()


if __name__ == "__main__":
    main()
