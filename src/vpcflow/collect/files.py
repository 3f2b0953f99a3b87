"""Files and folders as a source: recursive, in a stable order, never blocked by what is no file."""

# ruff: noqa: PTH114, PTH116, PTH208 - names are strings of whatever bytes they have
from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from vpcflow.collect.object_layout import parse_object_name
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.source_object import (
    Fetched,
    ObjectError,
    Problem,
    ProblemCode,
    ProblemList,
    SourceObject,
    printable,
)

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISDIR, "a folder"),
)
_ERRNO_CODES = {
    errno.EACCES: ProblemCode.PERMISSION,
    errno.EPERM: ProblemCode.PERMISSION,
    errno.ENOENT: ProblemCode.VANISHED,
    errno.ENOTDIR: ProblemCode.VANISHED,
    errno.ELOOP: ProblemCode.DANGLING_LINK,
}
_HINTS = {
    ProblemCode.PERMISSION: "give this user the right to read it",
    ProblemCode.DANGLING_LINK: "restore what the link points to, or delete the link",
    ProblemCode.MISSING: "check the path",
}


def problem_of(error: OSError, uri: str, *, what: str = "") -> Problem:
    """Say what an operating system error means for one path."""
    code = _ERRNO_CODES.get(error.errno or 0, ProblemCode.READ_FAILED)
    text = what or code.text
    if code is ProblemCode.READ_FAILED and error.strerror:
        text = f"{text}: {error.strerror.lower()}"
    return Problem(code, text, printable(uri), _HINTS.get(code, ""), uri)


def open_regular(path: Path | str, uri: str | None = None) -> BinaryIO:
    """Open a regular file to read; anything else is refused without waiting for it.

    Errors: ObjectError with the problem.
    """
    name = os.fspath(path)
    uri = name if uri is None else uri
    try:
        # A name may have become a pipe since it was listed: O_NONBLOCK keeps open() from waiting.
        handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise ObjectError(_not_a_file(stat.S_IFSOCK, uri)) from error
        raise ObjectError(problem_of(error, uri)) from error
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise ObjectError(_not_a_file(mode, uri))
    return os.fdopen(handle, "rb", buffering=0)


def _not_a_file(mode: int, uri: str) -> Problem:
    kind = next((text for test, text in _KINDS if test(mode)), "not a regular file")
    return Problem(
        ProblemCode.NOT_A_FILE,
        f"{kind}, not a regular file; skipped",
        printable(uri),
        "pipe a stream in through standard input: `... | vpcflow ingest -`",
        uri,
    )


class FileSource:
    """Files, and folders with all that is below them.

    Shape: a folder's entries come in the order of their names' bytes, folders in place, each
    folder once however many links lead to it; a file is offered under its real path. In folders,
    names that start with a dot are passed over and counted in ``hidden``.
    """

    def __init__(
        self, paths: Sequence[Path | str], settings: CollectSettings | None = None
    ) -> None:
        self._paths = tuple(os.fspath(path) for path in paths)
        self._settings = settings or CollectSettings()
        self._problems = ProblemList(self._settings.problems_max)
        self.hidden = 0

    @property
    def problems(self) -> ProblemList:
        """What stood in the way during the last listing."""
        return self._problems

    def objects(self) -> Iterator[SourceObject]:
        """List the files; each call lists anew."""
        self._problems.clear()
        self.hidden = 0
        # Folders are few beside files, so remembering them is cheap and breaks every link loop.
        folders_seen: set[tuple[int, int]] = set()
        for path in self._paths:
            yield from self._entry(path, folders_seen, level=0)

    @contextmanager
    def fetch(self, obj: SourceObject) -> Iterator[Fetched]:
        """The file itself, as it is now."""
        with open_regular(obj.uri) as file:
            now = _source_object(obj.uri, os.fstat(file.fileno()))
        yield Fetched(Path(obj.uri), now)

    def _entry(
        self, path: str, folders: set[tuple[int, int]], level: int
    ) -> Iterator[SourceObject]:
        try:
            status = os.stat(path)
        except OSError as error:
            self._problems.add(self._missing(path, error, level))
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._folder(path, status, folders, level)
        elif stat.S_ISREG(status.st_mode):
            yield _source_object(os.path.realpath(path), status)
        else:
            self._problems.add(_not_a_file(status.st_mode, path))

    def _missing(self, path: str, error: OSError, level: int) -> Problem:
        if error.errno == errno.ELOOP or (error.errno == errno.ENOENT and os.path.islink(path)):
            code = ProblemCode.DANGLING_LINK
        elif error.errno == errno.ENOENT and level == 0:
            code = ProblemCode.MISSING
        else:
            return problem_of(error, path)
        return Problem(code, code.text, printable(path), _HINTS[code], path)

    def _folder(
        self,
        path: str,
        status: os.stat_result,
        folders: set[tuple[int, int]],
        level: int,
    ) -> Iterator[SourceObject]:
        identity = (status.st_dev, status.st_ino)
        if identity in folders:
            return
        if level > self._settings.folder_levels_max:
            code = ProblemCode.TOO_DEEP
            self._problems.add(
                Problem(code, code.text, printable(path), "see collect.folder_levels_max", path)
            )
            return
        folders.add(identity)
        try:
            names = os.listdir(path)
        except OSError as error:
            self._problems.add(
                problem_of(
                    error,
                    path,
                    what="cannot list the folder: "
                    + _ERRNO_CODES.get(error.errno or 0, ProblemCode.READ_FAILED).text,
                )
            )
            return
        for name in sorted(names, key=os.fsencode):
            if name.startswith("."):
                self.hidden += 1
                continue
            yield from self._entry(f"{path.rstrip('/')}/{name}", folders, level + 1)


def _source_object(path: str, status: os.stat_result) -> SourceObject:
    name = parse_object_name(path)
    return SourceObject(
        uri=path,
        size=status.st_size,
        version=f"{status.st_mtime_ns}-{status.st_size}",
        origin=name.origin("file", path),
        day=name.day,
        file_id=file_id(status),
    )


def file_id(status: os.stat_result) -> str:
    """What stays of a file when it is renamed."""
    return f"{status.st_dev:x}:{status.st_ino:x}"
