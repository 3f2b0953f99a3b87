"""Log formats: which fields a record line has, in which order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from vpcflow.base.errors import FormatError
from vpcflow.record.field_spec import FieldKind, FieldSpec
from vpcflow.record.fields import DEFAULT_FIELD_NAMES, FIELDS_BY_NAME, TRANSIT_GATEWAY_FIELD_NAMES

#: More fields than AWS knows, with room for its next versions.
FORMAT_FIELDS_MAX = 256

#: Headers that are kept as formats.
HEADERS_KEPT_MAX = 256

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
_TOKEN = re.compile(r"\$\{([^{}\s]*)\}")


@dataclass(frozen=True)
class LogFormat:
    """The fields of a record line, in order; unknown names are allowed and kept as text.

    Shape: ``names`` are AWS field ids; one name may stand only once.
    Errors: FormatError with the position of the fault.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        text = str(self)
        if not self.names:
            raise FormatError("a log format needs at least one field", text="", position=0)
        if len(self.names) > FORMAT_FIELDS_MAX:
            raise FormatError(
                f"a log format has at most {FORMAT_FIELDS_MAX} fields, this one has {len(self.names)}",
                text=text,
                position=0,
            )
        seen: set[str] = set()
        position = 0
        for name in self.names:
            if not _NAME.match(name):
                raise FormatError(f"{name!r} is not a field name", text=text, position=position)
            if name.replace("-", "_") in seen:
                raise FormatError(f"field {name} stands twice", text=text, position=position)
            seen.add(name.replace("-", "_"))
            position += len(name) + 4

    @classmethod
    def parse(cls, text: str) -> LogFormat:
        """Read ``${version} ${srcaddr} ...``, one space between the fields, as AWS takes it."""
        names: list[str] = []
        position = 0
        while position < len(text):
            if names:
                if text[position] != " ":
                    raise FormatError(
                        "fields are separated by one space", text=text, position=position
                    )
                position += 1
            found = _TOKEN.match(text, position)
            if not found:
                raise FormatError(
                    "expected ${field-id}",
                    text=text,
                    position=position,
                    hint="write it like ${version} ${srcaddr}, one space between, none at the end",
                )
            names.append(found.group(1))
            position = found.end()
        return cls(tuple(names))

    @classmethod
    def from_header(cls, line: str) -> LogFormat:
        """Read the header line of a text object: bare field ids, spaces or tabs between."""
        return _from_names(tuple(line.split()))

    def __str__(self) -> str:
        """The format string, as AWS prints it."""
        return " ".join(f"${{{name}}}" for name in self.names)

    @cached_property
    def header(self) -> str:
        """The header line of a text object, without the newline."""
        return " ".join(self.names)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The column names of a flow batch in this format."""
        return tuple(name.replace("-", "_") for name in self.names)

    @cached_property
    def specs(self) -> tuple[FieldSpec | None, ...]:
        """The registry's entry for each field; None for an unknown one."""
        return tuple(FIELDS_BY_NAME.get(name) for name in self.names)

    @cached_property
    def kinds(self) -> tuple[FieldKind, ...]:
        """The kind of each field; unknown fields are text."""
        return tuple(spec.kind if spec else FieldKind.TEXT for spec in self.specs)

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """The names that the registry does not have."""
        return tuple(
            name for name, spec in zip(self.names, self.specs, strict=True) if spec is None
        )

    @property
    def version(self) -> int:
        """AWS's rule: the highest version that introduced one of the fields, 2 at least."""
        return max([2, *(spec.since_version for spec in self.specs if spec)])


@lru_cache(HEADERS_KEPT_MAX)
def _from_names(names: tuple[str, ...]) -> LogFormat:
    """Thousands of objects have the same header."""
    return LogFormat(names)


def default_format() -> LogFormat:
    """The 14 fields of version 2, which AWS uses when no format is given."""
    return LogFormat(DEFAULT_FIELD_NAMES)


def transit_gateway_format() -> LogFormat:
    """The 36 fields of AWS's default transit gateway format."""
    return LogFormat(TRANSIT_GATEWAY_FIELD_NAMES)
