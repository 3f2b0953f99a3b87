"""Network namespaces by name or path: enter one, and notice those that come and go.

``ip netns add`` makes a file, then mounts the namespace over it; inotify tells of the file, the
mount table of the mount. Neither is polled.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import re
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from vpcflow.base.errors import CaptureError
from vpcflow.inventory.settings import ALL_NAMESPACES

#: Where ``ip netns`` keeps its names.
NAMESPACE_FOLDER = Path("/run/netns")
#: The namespace that vpcflow runs in.
OWN_NAMESPACE = ""

_CLONE_NEWNET = 0x40000000
_NS_GET_NSTYPE = 0xB703
_EVENT = struct.Struct("=iIII")
_IN_NONBLOCK, _IN_CLOEXEC = 0o4000, 0o2000000
_IN_ONLYDIR, _IN_OVERFLOW = 0x01000000, 0x4000
#: Created, deleted, moved here or away, the folder itself deleted or moved.
_IN_CHANGES = 0x100 | 0x200 | 0x40 | 0x80 | 0x400 | 0x800
_EVENT_BYTES = 65_536
_PROCESS_PATH = re.compile(r"/proc/(\d+)/")

_T = TypeVar("_T")
_libc = ctypes.CDLL(None, use_errno=True)


def namespace_path(name: str) -> Path:
    """The file that stands for a namespace."""
    if name == OWN_NAMESPACE:
        return Path("/proc/thread-self/ns/net")
    return Path(name) if "/" in name else NAMESPACE_FOLDER / name


def open_namespace(path: Path) -> int | None:
    """A descriptor of the namespace; None when the file is none, or none yet.

    The caller closes it; while it is open the kernel keeps the namespace.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if fcntl.ioctl(handle, _NS_GET_NSTYPE) == _CLONE_NEWNET:
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def run_inside(handle: int, make: Callable[[], _T], name: str) -> _T:
    """What ``make`` returns, called in the namespace; sockets that it makes belong there.

    A thread of its own enters the namespace and ends: the caller's thread never leaves its own.
    ``name`` is for messages.
    Errors: CaptureError when the namespace cannot be entered; what ``make`` raises.
    """
    made: list[_T] = []
    failed: list[BaseException] = []

    def enter() -> None:
        try:
            _enter(handle, name)
            made.append(make())
        except BaseException as error:  # noqa: BLE001 the caller's thread raises it
            failed.append(error)

    thread = threading.Thread(target=enter, name="enter-namespace", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


def _enter(handle: int, name: str) -> None:
    """Move the calling thread, for good."""
    if _libc.setns(handle, _CLONE_NEWNET) == 0:
        return
    code = ctypes.get_errno()
    where = f"network namespace {name}"
    if code == errno.EPERM:
        raise CaptureError(
            "no permission to enter it",
            where=where,
            hint="run with sudo: entering a namespace needs CAP_SYS_ADMIN",
        )
    if code == errno.EINVAL:
        raise CaptureError(
            f"{namespace_path(name)} is not a network namespace",
            where=where,
            hint="`ip netns list` names those of this host",
        )
    raise CaptureError(f"cannot be entered: {os.strerror(code)}", where=where)


@dataclass(frozen=True, slots=True)
class NamespaceChange:
    """A name stands for a namespace from now on, or, without a ``handle``, for none any more.

    Shape: who takes the change closes ``handle``.
    """

    name: str
    handle: int | None


class NamespaceWatch:
    """Tells which of the wanted namespaces come and go.

    Shape: ``names`` as in the settings; ``read_filenos`` are polled for reading,
    ``priority_filenos`` for priority data (the mount table). ``read`` is right to call at any time.
    """

    def __init__(self, names: Iterable[str]) -> None:
        wanted = dict.fromkeys(name for name in names if name != OWN_NAMESPACE)
        self._all = ALL_NAMESPACES in wanted
        wanted.pop(ALL_NAMESPACES, None)
        self._wanted = tuple(wanted)
        self._present: dict[str, tuple[int, int]] = {}
        self._pending: dict[str, None] = dict(wanted)
        self._ends: dict[int, str] = {}  # pidfd of the process whose namespace it is, to its name
        folders = {namespace_path(name).parent for name in wanted if not _PROCESS_PATH.match(name)}
        if self._all:
            folders.add(NAMESPACE_FOLDER)
        self._watches: dict[Path, int] = dict.fromkeys(folders, -1)
        self._folders: dict[int, Path] = {}
        self._inotify = _libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if self._inotify < 0:
            raise CaptureError(
                f"cannot watch for namespaces: {os.strerror(ctypes.get_errno())}",
                hint="raise fs.inotify.max_user_instances",
            )
        self._mounts = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._closed = False

    def want(self, names: Iterable[str]) -> None:
        """Tell of these namespaces too from now on."""
        new = dict.fromkeys(
            name for name in names if name != OWN_NAMESPACE and name not in self._wanted
        )
        self._wanted = (*self._wanted, *new)
        for name in new:
            if name not in self._present:
                self._pending[name] = None
            if not _PROCESS_PATH.match(name):
                self._watches.setdefault(namespace_path(name).parent, -1)

    @property
    def read_filenos(self) -> tuple[int, ...]:
        """Descriptors that become readable when something changes."""
        return (self._inotify, *self._ends)

    @property
    def priority_filenos(self) -> tuple[int, ...]:
        """Descriptors with priority data (POLLPRI) when something changes."""
        return (self._mounts,)

    def close(self) -> None:
        """Give all descriptors back."""
        if not self._closed:
            self._closed = True
            for handle in (self._inotify, self._mounts, *self._ends):
                os.close(handle)

    def read(self, ended: Iterable[int] = ()) -> list[NamespaceChange]:
        """What came and went; ``ended`` are those of ``read_filenos`` that are readable."""
        suspects = dict(self._pending)
        for name in self._read_inotify():
            suspects[name] = None
        for folder in self._arm():
            suspects.update(dict.fromkeys(self._names_in(folder)))
        changes: list[NamespaceChange] = []
        for handle in ended:
            if handle in self._ends:
                name = self._ends.pop(handle)
                os.close(handle)
                del self._present[name]
                changes.append(NamespaceChange(name, None))
        for name in suspects:
            self._check(name, changes)
        return changes

    def _check(self, name: str, changes: list[NamespaceChange]) -> None:
        """Compare what the name stood for with what it stands for now."""
        path = namespace_path(name)
        handle = open_namespace(path)
        if handle is None:
            if self._present.pop(name, None) is not None:
                changes.append(NamespaceChange(name, None))
            if name in self._wanted or path.exists():
                self._pending[name] = None
            else:
                self._pending.pop(name, None)
            return
        self._pending.pop(name, None)
        status = os.fstat(handle)
        identity = (status.st_dev, status.st_ino)
        if self._present.get(name) == identity:
            os.close(handle)
            return
        if name in self._present:
            changes.append(NamespaceChange(name, None))
        self._present[name] = identity
        process = _PROCESS_PATH.match(name)
        if process:
            try:
                self._ends[os.pidfd_open(int(process[1]))] = name
            except ProcessLookupError:  # it ended just now
                del self._present[name]
                os.close(handle)
                return
        changes.append(NamespaceChange(name, handle))

    def _names_in(self, folder: Path) -> list[str]:
        """Wanted names in a folder, those that are gone included."""
        names = [name for name in self._wanted if namespace_path(name).parent == folder]
        if self._all and folder == NAMESPACE_FOLDER:
            with contextlib.suppress(OSError):
                names += [path.name for path in folder.iterdir()]
            names += [name for name in self._present if "/" not in name]
        return names

    def _arm(self) -> list[Path]:
        """Watch every folder, or what is above one that is missing; which are watched anew."""
        changed = []
        for folder, watch in self._watches.items():
            target, found = folder, self._watch(folder)
            while found < 0 and target != target.parent:
                target = target.parent
                found = self._watch(target)
            if found != watch:
                self._watches[folder] = found
                self._folders.pop(watch, None)
                if target == folder:
                    self._folders[found] = folder
                if watch not in self._watches.values():
                    _libc.inotify_rm_watch(self._inotify, watch)
                changed.append(folder)
        return changed

    def _watch(self, folder: Path) -> int:
        path = os.fsencode(folder)
        return int(_libc.inotify_add_watch(self._inotify, path, _IN_CHANGES | _IN_ONLYDIR))

    def _read_inotify(self) -> list[str]:
        """Names that something happened to."""
        names: list[str] = []
        while True:
            try:
                data = os.read(self._inotify, _EVENT_BYTES)
            except BlockingIOError:
                return names
            at = 0
            while at + _EVENT.size <= len(data):
                watch, mask, _, length = _EVENT.unpack_from(data, at)
                name = os.fsdecode(data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0"))
                at += _EVENT.size + length
                folder = self._folders.get(watch)
                if mask & _IN_OVERFLOW:
                    for each in self._watches:
                        names += self._names_in(each)
                elif folder is not None and name:
                    names += self._names_of(folder, name)

    def _names_of(self, folder: Path, name: str) -> list[str]:
        """How the settings call a file; empty when they do not want it."""
        called = [wanted for wanted in self._wanted if namespace_path(wanted) == folder / name]
        if not called and self._all and folder == NAMESPACE_FOLDER:
            called = [name]
        return called
