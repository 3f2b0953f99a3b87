"""``njit`` for every kernel, with a cache that notices a change in any part of one.

Numba keys its cache by the file of the kernel alone. A kernel calls functions and reads constants
of other files, so after an upgrade old machine code could run beside new Python. Here the cache
lies in a folder named after the content of all files that kernels are made of.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

import numba

_PACKAGE = Path(__file__).resolve().parent.parent
_IMPORT = re.compile(rb"^from vpcflow\.([a-z_.]+) import", re.MULTILINE)
_FOLDER_PREFIX = "kernels-"


def _parts() -> list[Path]:
    """All kernel files, and what they import of this package, directly or not."""
    waiting = sorted(_PACKAGE.glob("*/**/*kernels.py"))
    found: dict[Path, bytes] = {}
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found[path] = path.read_bytes()
        waiting.extend(
            _PACKAGE / f"{name.decode().replace('.', '/')}.py"
            for name in _IMPORT.findall(found[path])
        )
    return sorted(found)


def _cache_folder() -> Path:
    digest = hashlib.blake2b(digest_size=8)
    for path in _parts():
        digest.update(path.relative_to(_PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    name = f"{_FOLDER_PREFIX}{digest.hexdigest()}"
    base = _PACKAGE / "__pycache__"
    # The user in effect counts: under sudo, capture loads its kernels as the user who called it.
    if not os.access(base if base.exists() else _PACKAGE, os.W_OK, effective_ids=True):
        base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "vpcflow"
    folder = base / name
    if not folder.exists():
        for older in base.glob(f"{_FOLDER_PREFIX}*"):
            shutil.rmtree(older, ignore_errors=True)
    return folder


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = str(_cache_folder())


#: Numba's own, after the cache has its place.
njit = numba.njit
