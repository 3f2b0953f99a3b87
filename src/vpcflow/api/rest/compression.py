"""Bodies made smaller on their way, at a level that costs little."""

from __future__ import annotations

from isal import igzip, isal_zlib

#: Smaller texts are not worth it.
TEXT_BYTES_MIN = 1_024
#: Arrow's columns shrink less: only where the way is what takes time.
ARROW_BYTES_MIN = 2**20
#: ISA-L's levels go from 0 to 3.
LEVEL = 1


def compressed(body: bytes, media_type: str, accepted: str) -> tuple[bytes, str]:
    """A body as the client takes it, and the name of its encoding, empty where it is as it was."""
    text = media_type.endswith("json") or media_type.startswith("text/")
    if len(body) < (TEXT_BYTES_MIN if text else ARROW_BYTES_MIN):
        return body, ""
    encoding = chosen_encoding(accepted)
    if encoding == "gzip":
        return igzip.compress(body, LEVEL), encoding
    if encoding == "deflate":
        return isal_zlib.compress(body, LEVEL), encoding
    return body, ""


def chosen_encoding(accepted: str) -> str:
    """``gzip`` or ``deflate`` where a client's Accept-Encoding takes it."""
    taken: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        try:
            taken[name.strip()] = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            taken[name.strip()] = 0
    for name in ("gzip", "deflate"):
        if taken.get(name, taken.get("*", 0)) > 0:
            return name
    return ""
