"""The built front end: all its files in memory, compressed, with what browsers may keep of them."""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

#: What the built front end may hold; more is not served. It is ours: this bounds a wrong folder.
BYTES_MAX = 64 << 20
#: How often the folder is looked at again, for those who build while it is served.
LOOK_EVERY_S = 1.0
#: Files below it have a hash of their content in their name.
ASSETS = "/assets/"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_COMPRESSIBLE = frozenset({".css", ".html", ".js", ".json", ".map", ".svg", ".txt", ".wasm"})
_ENCODINGS = {"br": ".br", "gzip": ".gz"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is served; ``encoded`` holds it by content encoding."""

    content_type: str
    body: bytes = field(repr=False)
    etag: str
    is_immutable: bool
    encoded: Mapping[str, bytes] = field(repr=False)

    def chosen(self, accept_encoding: str) -> tuple[str, bytes]:
        """The encoding, which may be empty, and the body for a client that takes these."""
        for name in _ENCODINGS:
            if name in self.encoded and _takes(accept_encoding, name):
                return name, self.encoded[name]
        return "", self.body


class StaticFiles:
    """The files of a folder by path, such as ``/assets/index-1234.js``.

    Shape: a path is only looked up, never opened, so no path leads out of the folder. Read when the
    first one is asked for, and again when ``index.html`` has changed. Safe for any number of threads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._files: Mapping[str, StaticFile] = {}
        self._mark = 0
        self._looked_s = float("-inf")

    def find(self, path: str) -> StaticFile | None:
        """The file at a path."""
        with self._lock:
            self._follow(is_missed=path not in self._files)
            return self._files.get(path)

    def _follow(self, *, is_missed: bool) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        try:
            mark = (self._folder / "index.html").stat().st_mtime_ns
        except OSError:
            mark = 0
        # A build writes index.html and its assets in any order.
        if mark != self._mark or (is_missed and self._has_news()):
            self._files, self._mark = read_folder(self._folder), mark

    def _has_news(self) -> bool:
        return len(_paths(self._folder)) != len(self._files)


def _paths(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix not in _ENCODINGS.values())
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def read_folder(folder: Path) -> dict[str, StaticFile]:
    """All files of a folder by their path, each compressed as it lies beside it or by us."""
    files: dict[str, StaticFile] = {}
    total = 0
    for path in _paths(folder):
        try:
            body = path.read_bytes()
            encoded = _encoded(path, body)
        except OSError:
            continue
        total += len(body) + sum(map(len, encoded.values()))
        if total > BYTES_MAX:
            break
        name = "/" + path.relative_to(folder).as_posix()
        files[name] = StaticFile(
            _TYPES.get(path.suffix, "application/octet-stream"),
            body,
            f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            name.startswith(ASSETS),
            encoded,
        )
    return files


def _encoded(path: Path, body: bytes) -> dict[str, bytes]:
    found = {}
    for name, suffix in _ENCODINGS.items():
        beside = path.with_name(path.name + suffix)
        if beside.is_file():
            found[name] = beside.read_bytes()
    if path.suffix in _COMPRESSIBLE and "gzip" not in found:
        found["gzip"] = gzip.compress(body, 6, mtime=0)
    return {name: data for name, data in found.items() if len(data) < len(body)}


def _takes(accept_encoding: str, name: str) -> bool:
    for part in accept_encoding.lower().split(","):
        encoding, _, parameters = part.partition(";")
        if encoding.strip() == name:
            weight = parameters.replace(" ", "").removeprefix("q=")
            return weight.rstrip("0") not in ("0.", "") if parameters else True
    return False
