"""Aim: a range file of any common form says which country an address is in. Method: small files on
documentation addresses, and a plain search beside the kernel."""

from __future__ import annotations

import gzip
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.base.errors import SettingsError, StoreError
from vpcflow.inventory.address_ranges import address_words
from vpcflow.inventory.country_ranges import (
    COUNTRY_FILE,
    CountryRanges,
    keep_countries,
    kept_countries,
    read_country_file,
)

FORMS = {
    "ends": "192.0.2.0,192.0.2.127,DE\n198.51.100.0,198.51.100.255,FR\n2001:db8::,2001:db8::ffff,NL\n",
    "networks": "network,country\n192.0.2.0/25,DE\n198.51.100.0/24,FR\n2001:db8::/112,NL\n",
    "numbers": "3221225984,3221226111,DE\n3325256704,3325256959,FR\n"
    "42540766411282592856903984951653826560,42540766411282592856903984951653892095,NL\n",
    "tabs": "192.0.2.0\t192.0.2.127\t64500\tDE\tA NAME\n198.51.100.0\t198.51.100.255\t64501\tFR\tB\n"
    "2001:db8::\t2001:db8::ffff\t64502\tNL\tC\n203.0.113.0\t203.0.113.9\t0\tZZ\tNot routed\n",
    "quoted": '"192.0.2.0","192.0.2.127","DE","Germany"\n"198.51.100.0","198.51.100.255","FR","France"\n'
    '"2001:db8::","2001:db8::ffff","NL","Netherlands"\n',
}


def _countries(ranges: CountryRanges, *addresses: str) -> list[str | None]:
    found = ranges.find_many(address_words(map(ip_address, addresses)))
    return [ranges.countries[place] if place >= 0 else None for place in found]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("zipped", [False, True])
def test_common_forms_are_read(form: str, zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "ranges.csv"
    data = FORMS[form].encode()
    path.write_bytes(gzip.compress(data) if zipped else data)
    ranges = read_country_file(path)
    assert _countries(
        ranges,
        "192.0.2.0",
        "192.0.2.127",
        "192.0.2.128",
        "198.51.100.7",
        "2001:db8::1",
        "2001:db8::1:0",
        "0.0.0.0",
        "255.255.255.255",
        "203.0.113.1",
    ) == ["DE", "DE", None, "FR", "NL", None, None, None, None]


def test_what_was_kept_is_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "ranges.csv"
    path.write_text(FORMS["ends"])
    assert kept_countries(tmp_path) is None
    keep_countries(tmp_path, read_country_file(path))
    kept = kept_countries(tmp_path)
    assert kept is not None
    assert (kept.source, kept.ranges) == ("ranges.csv", 3)
    assert _countries(kept, "198.51.100.255") == ["FR"]
    (tmp_path / COUNTRY_FILE).write_bytes(b"damaged")
    with pytest.raises(StoreError, match="damaged"):
        kept_countries(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no range"),
        ("just words\nwithout,addresses\n", "no range"),
        ("192.0.2.0,192.0.2.9,DE\nnonsense,192.0.2.20,FR\n", "line 2"),
        ("192.0.2.0,192.0.2.9,DE\n192.0.2.9,192.0.2.20,FR\n", "overlap"),
    ],
)
def test_a_file_that_is_none_says_why(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "ranges.csv"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_country_file(path)
    assert says in str(caught.value)
    assert caught.value.hint or says == "overlap"


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ranges.mmdb"
    path.write_bytes(bytes(range(128, 256)) * 10)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_country_file(path)


@given(
    bounds=st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=20, unique=True).map(sorted),
    asked=st.lists(st.integers(0, 2**32 - 1), max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_every_address_gets_the_country_of_its_range(
    tmp_path_factory: pytest.TempPathFactory, bounds: list[int], asked: list[int]
) -> None:
    pairs = list(zip(bounds[::2], bounds[1::2], strict=False))
    names = [f"{chr(65 + place % 26)}A" for place in range(len(pairs))]
    path = tmp_path_factory.mktemp("ranges") / "ranges.csv"
    path.write_text(
        "".join(
            f"{first},{last},{name}\n" for (first, last), name in zip(pairs, names, strict=True)
        )
    )
    numbers = [*asked, *bounds]
    expected = [
        next((name for (a, b), name in zip(pairs, names, strict=True) if a <= number <= b), None)
        for number in numbers
    ]
    ranges = read_country_file(path)
    assert _countries(ranges, *(str(IPv4Address(number)) for number in numbers)) == expected
    # The same small numbers as IPv6 are other addresses.
    small = [str(IPv6Address(number & 0xFFFF)) for number in asked]
    assert _countries(ranges, *small) == [None] * len(small)
