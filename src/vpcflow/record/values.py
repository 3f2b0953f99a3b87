"""Single values between text and memory; nothing heavy is imported here."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from vpcflow.base.errors import RecordError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

ADDRESS_BYTES = 16
_MAPPED = b"\x00" * 10 + b"\xff\xff"
_ALL_ONES = (1 << 128) - 1


def parse_address(text: str) -> bytes:
    """Read an IPv4 or IPv6 address (RFC 4291, embedded IPv4 too) as 16 bytes, IPv4 mapped.

    Errors: RecordError for anything else, also a zone (``%eth0``) or an octet with leading zeros.
    """
    try:
        if ":" not in text:
            return _MAPPED + ipaddress.IPv4Address(text).packed
        if "%" not in text:
            return ipaddress.IPv6Address(text).packed
    except ipaddress.AddressValueError:
        pass
    raise RecordError(f"{text!r} is not an IPv4 or IPv6 address")


def format_address(address: bytes) -> str:
    """Print 16 bytes as AWS does: RFC 5952 lower case, a mapped IPv4 address with dots.

    Errors: RecordError when it is not 16 bytes.
    """
    if len(address) != ADDRESS_BYTES:
        raise RecordError(f"an address has {ADDRESS_BYTES} bytes, got {len(address)}")
    if address.startswith(_MAPPED):
        return ".".join(str(octet) for octet in address[12:])
    groups = [int.from_bytes(address[i : i + 2], "big") for i in range(0, ADDRESS_BYTES, 2)]
    start, length = _longest_zeros(groups)
    words = [f"{group:x}" for group in groups]
    if length < 2:
        return ":".join(words)
    return ":".join(words[:start]) + "::" + ":".join(words[start + length :])


def _longest_zeros(groups: list[int]) -> tuple[int, int]:
    """Where the longest run of zero groups starts (the first of equals), and its length."""
    best_start = best_length = length = 0
    for index, group in enumerate(groups):
        length = length + 1 if group == 0 else 0
        if length > best_length:
            best_start, best_length = index - length + 1, length
    return best_start, best_length


def parse_network(text: str) -> tuple[bytes, bytes]:
    """Read a CIDR block as its first and last address; an address alone is a block of one.

    Errors: RecordError when the address or the prefix is wrong, or a bit beyond the prefix is set.
    """
    base_text, slash, prefix_text = text.partition("/")
    base = parse_address(base_text)
    width = 32 if ":" not in base_text else 128
    prefix = width
    if slash:
        if not (prefix_text.isascii() and prefix_text.isdigit() and len(prefix_text) <= 3):
            raise RecordError(f"{text!r} is not a network: {prefix_text!r} is not a prefix length")
        prefix = int(prefix_text)
        if prefix > width:
            raise RecordError(f"{text!r} is not a network: the prefix is at most {width}")
    host_bits = (1 << (width - prefix)) - 1
    first = int.from_bytes(base, "big")
    if first & host_bits:
        network = format_address((first & (_ALL_ONES ^ host_bits)).to_bytes(ADDRESS_BYTES, "big"))
        raise RecordError(
            f"{text!r} has bits set beyond its prefix", hint=f"write {network}/{prefix}"
        )
    return base, (first | host_bits).to_bytes(ADDRESS_BYTES, "big")


def addresses_to_text(addresses: pa.FixedSizeBinaryArray) -> pa.StringArray:
    """Print a column of addresses; null stays null."""
    from vpcflow.record.address_columns import format_address_column

    return format_address_column(addresses)


def text_to_addresses(
    values: pa.Array,
) -> tuple[pa.FixedSizeBinaryArray, npt.NDArray[np.bool_]]:
    """Read a column of text (string, or dictionary of strings) as addresses.

    Shape: the addresses, and True where a text was refused; ``-`` and null are null, not refused;
    a refused one is null in the addresses.
    """
    from vpcflow.record.address_columns import parse_address_column

    return parse_address_column(values)
