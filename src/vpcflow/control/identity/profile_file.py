"""One profile in a file that the AWS clients read."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from vpcflow.base.errors import SettingsError
from vpcflow.control.identity.keys import RootKey

_NAME = re.compile(r"[\w.@+-]+")
_SECTION = re.compile(r"\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]")


def write_profile(path: Path, profile: str, key: RootKey, region: str, endpoint_url: str) -> None:
    """Write or replace one profile of an AWS config or credentials file; the others stay.

    Shape: the file is replaced as a whole and readable by its owner alone (0600). A file that is
    called ``credentials`` has sections ``[name]``, any other ``[profile name]`` as AWS's config.
    Errors: SettingsError for a profile's name that the file cannot hold, or a file that cannot be
    written.
    """
    if not _NAME.fullmatch(profile):
        raise SettingsError("a profile's name is letters, digits and . _ @ + -", where=profile)
    plain = profile == "default" or path.name == "credentials"
    section = [
        f"[{profile}]" if plain else f"[profile {profile}]",
        f"aws_access_key_id = {key.access_key_id}",
        f"aws_secret_access_key = {key.secret_access_key}",
        f"region = {region}",
        f"endpoint_url = {endpoint_url}",
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        kept = _without(before, profile)
        text = "\n".join([*kept, *([""] if kept else []), *section]) + "\n"
        _replace(path, text)
    except OSError as error:
        raise SettingsError(
            f"the profile cannot be written: {error.strerror}", where=str(path)
        ) from error


def _without(text: str, profile: str) -> list[str]:
    kept: list[str] = []
    keep = True
    for line in text.splitlines():
        found = _SECTION.match(line)
        if found:
            keep = found[1] != profile
        if keep:
            kept.append(line)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _replace(path: Path, text: str) -> None:
    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".profile-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o600)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
