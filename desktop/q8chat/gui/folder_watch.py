"""Tells when something in a set of folders has changed."""

from __future__ import annotations

from PySide6.QtCore import QFileSystemWatcher, QObject, QThread, QTimer, Signal

PAUSE_MS = 400  # a file being copied changes its folder many times
ENDING_MS = 1000


class _Watcher(QObject):
    """Lives in a thread of its own: asking about a folder on a vanished disk can take minutes."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self.changed)

    def watch(self, folders: tuple[str, ...]) -> None:
        """Watch these and no others."""
        old, new = set(self._watcher.directories()), set(folders)
        if old - new:
            self._watcher.removePaths(sorted(old - new))
        if new - old:
            self._watcher.addPaths(sorted(new - old))


class FolderWatch(QObject):
    """`changed` comes once for many changes shortly after each other."""

    changed = Signal()
    _asked = Signal(tuple)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self.changed)
        self._thread = QThread(self)
        self._thread.setObjectName("folders")
        self._watcher = _Watcher()
        self._watcher.moveToThread(self._thread)
        self._watcher.changed.connect(self._on_changed)
        self._asked.connect(self._watcher.watch)
        self._thread.finished.connect(self._watcher.deleteLater)
        self._closed = False

    def watch(self, folders: tuple[str, ...]) -> None:
        """Watch these and no others."""
        if not self._closed:
            self._thread.start()
            self._asked.emit(folders)

    def close(self) -> None:
        """No signal comes after this."""
        self._closed = True
        self._pause.stop()
        self._thread.quit()
        self._thread.wait(ENDING_MS)

    def _on_changed(self) -> None:
        if not self._pause.isActive() and not self._closed:
            self._pause.start()
