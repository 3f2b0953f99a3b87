"""Patterns with ``*`` for any text, as regular expressions that never cost more than they must."""

from __future__ import annotations

import re
from collections.abc import Iterable


def whole(parts: Iterable[str], flags: int = 0) -> re.Pattern[str]:
    """The expression for ``fullmatch`` of the parts between stars, each an expression of its own.

    Shape: each part is taken where it is first found, and never looked for again, so that no
    pattern costs more than its length times the text's; so a part matches one length of text only.
    """
    first, *others = parts
    middle = "".join(f"(?>.*?{part})" for part in others[:-1])
    last = f".*{others[-1]}" if others else ""
    return re.compile(first + middle + last, re.DOTALL | flags)
