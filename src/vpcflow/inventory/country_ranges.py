"""Which country an address is in, from a range file that the user brings.

None comes with vpcflow: those that may be shipped say themselves that they are wrong in places, and
the others may not be shipped. A file that was added is kept in the data folder in the form in which
it is searched.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vpcflow.base.errors import SettingsError, StoreError
from vpcflow.inventory.address_ranges import NOT_FOUND, Words, address_number, number_words

#: Where an added file is kept, within the data folder.
COUNTRY_FILE = Path("ranges") / "countries.npz"
#: Ranges of one file; the largest that are known have a third of this.
RANGES_MAX = 5_000_000
#: Bytes of one file after it is decompressed.
BYTES_MAX = 1 << 30
_COUNTRY = re.compile(r"^[A-Z]{2}$")
#: Codes that stand for no country: unknown, private, reserved.
_NO_COUNTRY = frozenset({"ZZ", "XX"})
_HINT = "lines are FIRST,LAST,CC or NETWORK,CC; addresses as text or numbers, CC as in ISO 3166"

_Range = tuple[int, int, str]


@dataclass(frozen=True)
class CountryRanges:
    """Sorted ranges that do not overlap.

    Shape: range i begins at ``starts[i]`` and ends before the next; ``values[i]`` is a place in
    ``countries`` (ISO 3166 codes of two letters), NOT_FOUND for a gap. ``source`` is the name of the
    file that they are from.
    """

    countries: tuple[str, ...]
    starts: Words
    values: npt.NDArray[np.int32]
    source: str

    def find_many(self, words: Words) -> npt.NDArray[np.int32]:
        """Places in ``countries`` of addresses, as two words each as they lie in memory."""
        from vpcflow.inventory.lookup_kernels import find_ranges

        found = np.empty(len(words), np.int32)
        find_ranges(self.starts, self.values, words, found)
        return found

    @property
    def ranges(self) -> int:
        """How many ranges have a country."""
        return int((self.values != NOT_FOUND).sum())


def read_country_file(path: Path) -> CountryRanges:
    """The ranges of a CSV or TSV file, gzipped or not, with or without a header.

    Shape: the columns are found by their look: two addresses or one network, and the first column
    of two capital letters; others are ignored.
    Errors: SettingsError with the line at fault.
    """
    try:
        ranges = sorted(_ranges(path))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(
            f"the range file cannot be read: {error}", where=str(path), hint=_HINT
        ) from error
    if not ranges:
        raise SettingsError("the range file has no range", where=str(path), hint=_HINT)
    return _sorted_out(ranges, path)


def _sorted_out(ranges: Sequence[_Range], path: Path) -> CountryRanges:
    countries = tuple(sorted({country for _, _, country in ranges}))
    place = {country: number for number, country in enumerate(countries)}
    starts: list[int] = []
    values: list[int] = []
    end = -1
    for first, last, country in ranges:
        if first < end:
            raise SettingsError(
                "two ranges overlap", where=f"{path}, at {_as_text(first)}", hint=_HINT
            )
        if starts and first == end:
            starts.pop()
            values.pop()
        starts += [first, last + 1]
        values += [place[country], NOT_FOUND]
        end = last + 1
    if starts[-1] >> 128:
        # The end of everything is no address.
        starts.pop()
        values.pop()
    return CountryRanges(countries, number_words(starts), np.array(values, np.int32), path.name)


def _ranges(path: Path) -> Iterator[_Range]:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rb") if zipped else path.open("rb") as data:
        text = io.TextIOWrapper(_Bounded(data, path), encoding="utf-8-sig", newline="")  # type: ignore[type-var]
        head = text.readline()
        delimiter = "\t" if "\t" in head else ";" if ";" in head and "," not in head else ","
        rows = csv.reader(_with_first(head, text), delimiter=delimiter)
        for number, row in enumerate(rows, 1):
            if number > RANGES_MAX:
                raise SettingsError(f"more than {RANGES_MAX} ranges", where=str(path))
            found = _range_of(row)
            if found is not None:
                yield found
            elif number > 1 and _country_of(row) is not None:
                raise SettingsError(
                    "this line has no addresses", where=f"{path}, line {number}", hint=_HINT
                )


class _Bounded(io.RawIOBase):
    """A file of which no more than BYTES_MAX come out."""

    def __init__(self, data: io.BufferedIOBase, path: Path) -> None:
        self._data, self._path, self._left = data, path, BYTES_MAX

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        part = self._data.read(len(buffer))
        self._left -= len(part)
        if self._left < 0:
            raise SettingsError(f"the file is longer than {BYTES_MAX} bytes", where=str(self._path))
        buffer[: len(part)] = part
        return len(part)


def _with_first(head: str, rest: Iterable[str]) -> Iterator[str]:
    yield head
    yield from rest


def _country_of(row: Sequence[str]) -> str | None:
    country = next((cell.strip() for cell in row if _COUNTRY.match(cell.strip())), None)
    return None if country in _NO_COUNTRY else country


def _range_of(row: Sequence[str]) -> _Range | None:
    country = _country_of(row)
    if country is None:
        return None
    cells = [cell.strip() for cell in row]
    ends: list[int] = []
    for cell in cells:
        if "/" in cell:
            try:
                network = ip_network(cell, strict=False)
            except ValueError:
                continue
            return (
                address_number(network.network_address),
                address_number(network.broadcast_address),
                country,
            )
        number = _address_number_of(cell)
        if number is not None:
            ends.append(number)
        if len(ends) == 2:
            return (ends[0], ends[1], country) if ends[0] <= ends[1] else None
    return None


def _address_number_of(cell: str) -> int | None:
    try:
        if cell.isascii() and cell.isdigit():
            number = int(cell)
            return address_number(IPv4Address(number) if number < 1 << 32 else IPv6Address(number))
        return address_number(ip_address(cell))
    except ValueError:
        return None


def _as_text(number: int) -> str:
    address = IPv6Address(number)
    return str(address.ipv4_mapped or address)


def keep_countries(root: Path, ranges: CountryRanges) -> Path:
    """Keep ranges in a data folder, in place of those of before.

    Errors: StoreError when the disk says no.
    """
    path = root / COUNTRY_FILE
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez_compressed(
                file,
                starts=ranges.starts,
                values=ranges.values,
                countries=np.array(ranges.countries),
                source=np.array(ranges.source),
            )
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreError(f"the ranges cannot be kept: {error.strerror}", where=str(path)) from error
    return path


def kept_countries(root: Path) -> CountryRanges | None:
    """The ranges of a data folder; None when none were added.

    Errors: StoreError when the file is damaged.
    """
    path = root / COUNTRY_FILE
    try:
        with np.load(path, allow_pickle=False) as file:
            return CountryRanges(
                tuple(str(one) for one in file["countries"]),
                file["starts"].astype(np.uint64),
                file["values"].astype(np.int32),
                str(file["source"]),
            )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(
            "the ranges of countries are damaged",
            where=str(path),
            hint="add the file again with `vpcflow ranges add FILE`",
        ) from error
