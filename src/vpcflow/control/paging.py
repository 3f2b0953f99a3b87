"""Pages of a list: a token is the key of the last item given, so what comes and goes moves nothing."""

from __future__ import annotations

import base64
import binascii
import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


class BadToken(Exception):  # noqa: N818 - each service words its own error for it
    """The token was not made here, or for another question."""


def page(
    items: Iterable[T],
    key: Callable[[T], str],
    limit: int,
    token: str | None = None,
    *,
    question: str = "",
) -> tuple[list[T], str | None]:
    """Up to ``limit`` items in the order of ``key``, and the token of the next page if there is one.

    Shape: keys differ from each other; ``question`` is what else was asked: a token of another
    question is refused.
    Errors: BadToken.
    """
    ordered = sorted(items, key=key)
    return page_of_sorted(ordered, [key(item) for item in ordered], limit, token, question=question)


def page_of_sorted(
    ordered: Sequence[T],
    keys: Sequence[str],
    limit: int,
    token: str | None = None,
    *,
    question: str = "",
) -> tuple[list[T], str | None]:
    """The same of items that are in order already, with their keys beside them.

    Errors: BadToken.
    """
    first = 0 if token is None else bisect_right(keys, _open(token, question))
    given = list(ordered[first : first + limit])
    more = first + limit < len(ordered)
    return given, _close(keys[first + limit - 1], question) if more else None


def _close(key: str, question: str) -> str:
    data = key.encode()
    return base64.urlsafe_b64encode(_mark(data, question) + data).decode()


def _open(token: str, question: str) -> str:
    try:
        raw = base64.urlsafe_b64decode(token.encode())
        text = raw[8:].decode()
    except (ValueError, binascii.Error) as error:
        raise BadToken from error
    if len(raw) < 8 or raw[:8] != _mark(raw[8:], question):
        raise BadToken
    return text


def _mark(data: bytes, question: str) -> bytes:
    return hashlib.blake2b(data + b"\0" + question.encode(), digest_size=8).digest()
