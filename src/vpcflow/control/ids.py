"""New ids in AWS's form: a prefix and 17 hexadecimal digits."""

from __future__ import annotations

import secrets

from vpcflow.inventory.ids import ID_DIGITS


def new_id(prefix: str) -> str:
    """A random id such as ``fl-0a1b2c3d4e5f60718``."""
    return f"{prefix}-{secrets.token_hex((ID_DIGITS + 1) // 2)[:ID_DIGITS]}"
