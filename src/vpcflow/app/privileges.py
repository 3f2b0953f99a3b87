"""What the kernel must allow for capture: asked for in plain words, given back when not needed."""

from __future__ import annotations

import ctypes
import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

from vpcflow.base.errors import CaptureError

_STATUS = Path("/proc/thread-self/status")
_VERSION_3 = 0x20080522
#: Number of the system call by machine: the C library's function would act on all threads.
_SETRESUID = {"x86_64": 117, "aarch64": 147}
_NOBODY = 65534
_SETUID = 7
_PR_SET_KEEPCAPS = 8
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2


class Capability(IntEnum):
    """The capabilities that capture can need; the number is the kernel's."""

    NET_ADMIN = 12
    NET_RAW = 13
    SYS_PTRACE = 19
    SYS_ADMIN = 21

    @property
    def purpose(self) -> str:
        """What it is needed for, in words."""
        return _PURPOSES[self]


_PURPOSES = {
    Capability.NET_ADMIN: "read the firewall's log",
    Capability.NET_RAW: "see packets",
    Capability.SYS_PTRACE: "find the namespaces of other processes",
    Capability.SYS_ADMIN: "enter other network namespaces",
}


def held() -> frozenset[Capability]:
    """The capabilities in force for this process."""
    return _set_of("CapEff")


def require(needed: frozenset[Capability]) -> None:
    """Stop early, and say what to do.

    Errors: CaptureError with the command that grants what is missing.
    """
    missing = sorted(needed - held())
    if not missing:
        return
    names = ", ".join(f"CAP_{capability.name}" for capability in missing)
    purposes = " and ".join(capability.purpose for capability in missing)
    command = " ".join(sys.argv) if sys.argv[0] != "-c" else "vpcflow run"
    grants = ",".join(f"cap_{capability.name.lower()}" for capability in sorted(needed))
    python = Path(sys.executable).resolve()
    raise CaptureError(
        f"not allowed to {purposes}: {names} is missing",
        where="this process",
        hint=f"run `sudo {command}`, or grant it once: `sudo setcap {grants}+ep {python}`",
    )


def invoking_user() -> pwd.struct_passwd | None:
    """Who called sudo, when root acts for somebody."""
    uid = os.environ.get("SUDO_UID", "")
    if os.geteuid() != 0 or not uid.isdigit() or uid == "0":
        return None
    try:
        return pwd.getpwuid(int(uid))
    except KeyError:
        return None


def acting_user(folder: Path) -> pwd.struct_passwd | None:
    """Who the records belong to, when root acts for somebody who can go on with them.

    Shape: None, so that root stays root, when the user cannot read this installation (modules are
    still loaded later), has no home for compiled code, or cannot write the data folder or what is
    in it.
    """
    user = invoking_user()
    if user is None:
        return None
    code = (sys.prefix, sys.base_prefix, Path(os.__file__).parent, Path(__file__).parent)
    home, place = Path(user.pw_dir), folder
    while not place.exists() and place != place.parent:
        place = place.parent
    with acting_as(user):
        try:
            parts = list(folder.iterdir()) if place == folder else []
        except OSError:
            return None
        can_read = all(os.access(one, os.R_OK | os.X_OK, effective_ids=True) for one in code)
        can_write = all(
            os.access(one, os.W_OK, effective_ids=True) for one in (home, place, *parts)
        )
    return user if can_read and can_write else None


@contextmanager
def acting_as(user: pwd.struct_passwd | None) -> Iterator[None]:
    """Files that are made within belong to the user; None changes nothing."""
    if user is None:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups(os.getgrouplist(user.pw_name, user.pw_gid))
    os.setegid(user.pw_gid)
    os.seteuid(user.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def give_back(keep: frozenset[Capability], user: pwd.struct_passwd | None = None) -> None:
    """Keep these capabilities and no others, as the user; before any thread starts.

    Shape: sockets that are open stay open. Root without capabilities still owns its files.
    Errors: CaptureError when the kernel refuses; then nothing was given back.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    kept = keep & _set_of("CapPrm")
    if user is not None:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.initgroups(user.pw_name, user.pw_gid)
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    else:
        _strip_other_threads(libc)
    low = sum(1 << capability for capability in kept)
    if not _set_capabilities(libc, low, low):
        raise CaptureError(
            f"cannot give capabilities back: {os.strerror(ctypes.get_errno())}",
            where="this process",
            hint="start it without a seccomp filter that forbids capset",
        )
    for capability in keep:
        # So that a program that is started for it, as nft is, has what is kept and no more.
        libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, int(capability), 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def give_back_in_thread() -> None:
    """Keep nothing in the calling thread and in those that it starts: they face the network."""
    _set_capabilities(ctypes.CDLL(None, use_errno=True), 0, 0)


def _strip_other_threads(libc: ctypes.CDLL) -> None:
    """Take root's capabilities from the threads that libraries have started by now.

    Capabilities are a thread's own, user ids are set for all threads at once: all become nobody,
    which takes the capabilities from those that did not ask to keep them, and this one goes back.
    """
    number = _SETRESUID.get(os.uname().machine)
    if number is None or os.geteuid() != 0 or not _mask_of("CapEff") >> _SETUID & 1:
        return
    permitted = _mask_of("CapPrm")
    libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    _set_capabilities(libc, permitted, 0)
    libc.syscall(number, 0, 0, 0)


def _set_capabilities(libc: ctypes.CDLL, mask: int, inheritable: int) -> bool:
    """Set this thread's effective and permitted capabilities; whether the kernel agreed."""
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    # Effective, permitted, inheritable; twice, since the kernel takes 64 bits in two halves.
    halves = [
        value >> shift & 0xFFFFFFFF for shift in (0, 32) for value in (mask, mask, inheritable)
    ]
    return bool(libc.capset(header, (ctypes.c_uint32 * 6)(*halves)) == 0)


def _set_of(name: str) -> frozenset[Capability]:
    """One of the process's capability sets, as far as it is about capture."""
    mask = _mask_of(name)
    return frozenset(c for c in Capability if mask >> c & 1)


def _mask_of(name: str) -> int:
    # The calling thread's: capabilities may differ between threads.
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1], 16)
    return 0
