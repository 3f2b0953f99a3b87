"""What the kernel must allow for capture: asked for in plain words, given back when not needed."""

from __future__ import annotations

import ctypes
import os
import pwd
import sys
from enum import IntEnum
from pathlib import Path

from vpcflow.base.errors import CaptureError

_STATUS = Path("/proc/self/status")
_VERSION_3 = 0x20080522
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


def _can_run_as(user: pwd.struct_passwd) -> bool:
    """Whether the user may read this Python and this package: modules are still loaded later."""
    places = (sys.prefix, sys.base_prefix, Path(os.__file__).parent, Path(__file__).parent)
    os.seteuid(user.pw_uid)
    try:
        return all(os.access(place, os.R_OK | os.X_OK, effective_ids=True) for place in places)
    finally:
        os.seteuid(0)


def give_back(keep: frozenset[Capability]) -> None:
    """Keep these capabilities and no others, as the user who called sudo; before any thread starts.

    Shape: sockets that are open stay open. Root without capabilities still owns its files; it
    stays root when the user cannot read this installation.
    Errors: CaptureError when the kernel refuses; then nothing was given back.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user = invoking_user()
    if user is not None and _can_run_as(user):
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.initgroups(user.pw_name, user.pw_gid)
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    low = sum(1 << capability for capability in keep & _set_of("CapPrm"))
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    # Effective, permitted, inheritable; twice, since the kernel takes 64 bits in two halves.
    data = (ctypes.c_uint32 * 6)(low, low, low, 0, 0, 0)
    if libc.capset(header, data) != 0:
        raise CaptureError(
            f"cannot give capabilities back: {os.strerror(ctypes.get_errno())}",
            where="this process",
            hint="start it without a seccomp filter that forbids capset",
        )
    for capability in keep:
        # So that a program that is started for it, as nft is, has what is kept and no more.
        libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, int(capability), 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _set_of(name: str) -> frozenset[Capability]:
    """One of the process's capability sets, as far as it is about capture."""
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            mask = int(line.split()[1], 16)
            return frozenset(c for c in Capability if mask >> c & 1)
    return frozenset()
