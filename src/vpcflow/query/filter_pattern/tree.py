"""What a filter pattern of CloudWatch Logs says, as a small tree that nobody changes.

``str()`` of a pattern is a pattern that parses to an equal tree. Positions are 0-based characters
of the text that was parsed, and do not count when trees are compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

_BARE_VALUE = re.compile(r'[^\s,\[\]&|"=<>!%(){}]+')
_BARE_KEY = re.compile(r"[A-Za-z0-9_@:-]+")
#: What reads as a number: a sign and an exponent are allowed, words such as ``nan`` are not.
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Number:
    """A number that stood without quotes; ``text`` is its spelling."""

    text: str
    position: int = field(default=0, compare=False)

    @property
    def value(self) -> float:
        """The number."""
        return float(self.text)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Text:
    """A text in which ``*`` stands for any text, or plain where ``wild`` is False."""

    text: str
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        if _BARE_VALUE.fullmatch(self.text) and not NUMBER.fullmatch(self.text):
            return self.text
        return quoted(self.text)


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression of the pattern language: looked for anywhere in a text."""

    text: str
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"%{self.text}%"


Value = Number | Text | Regex


class Sign(StrEnum):
    """What a term asks for."""

    REQUIRED = ""
    OPTIONAL = "?"
    EXCLUDED = "-"


@dataclass(frozen=True, slots=True)
class Term:
    """One term: its text is looked for anywhere, with regard to case."""

    sign: Sign
    value: Text | Regex

    def __str__(self) -> str:
        value = str(self.value) if isinstance(self.value, Regex) else quoted(self.value.text)
        return f"{self.sign.value}{value}"


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms that must be there or must not; none at all fits everything."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value against an operator: ``=``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``."""

    operator: str
    value: Value

    def __str__(self) -> str:
        return f"{self.operator} {self.value}"


@dataclass(frozen=True, slots=True)
class Slot:
    """One field of a space-delimited pattern.

    Shape: ``alternatives`` are joined by ``||``, the comparisons of each by ``&&``; none fits any
    field. ``name`` is empty for an unnamed one. ``rest`` marks ``...``, which takes any number of
    fields.
    """

    name: str = ""
    alternatives: tuple[tuple[Comparison, ...], ...] = ()
    rest: bool = False
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        if self.rest:
            return "..."
        if not self.alternatives:
            return self.name
        return " || ".join(
            " && ".join(f"{self.name} {one}" for one in together) for together in self.alternatives
        )


@dataclass(frozen=True, slots=True)
class Slots:
    """A space-delimited pattern: ``[a, b = 1, ..., c]``."""

    slots: tuple[Slot, ...]

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.slots))}]"


#: One step of a JSON selector: a name, an index, or None for ``*``.
Step = str | int | None


@dataclass(frozen=True, slots=True)
class Selector:
    """Where in a JSON event a value stands; ``members`` says which wildcards are ``.*``."""

    steps: tuple[Step, ...]
    members: bool = False
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        parts = ["$"]
        for step in self.steps:
            if step is None:
                parts.append(".*" if self.members else "[*]")
            elif isinstance(step, int):
                parts.append(f"[{step}]")
            elif _BARE_KEY.fullmatch(step):
                parts.append(f".{step}")
            else:
                escaped = step.replace("\\", "\\\\").replace("'", "\\'")
                parts.append(f".['{escaped}']")
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Member:
    """A comparison of a JSON value."""

    selector: Selector
    comparison: Comparison

    def __str__(self) -> str:
        return f"{self.selector} {self.comparison}"


@dataclass(frozen=True, slots=True)
class Is:
    """``IS NULL``, ``IS TRUE`` or ``IS FALSE``."""

    selector: Selector
    word: str

    def __str__(self) -> str:
        return f"{self.selector} IS {self.word}"


@dataclass(frozen=True, slots=True)
class NotExists:
    """``NOT EXISTS``."""

    selector: Selector

    def __str__(self) -> str:
        return f"{self.selector} NOT EXISTS"


@dataclass(frozen=True, slots=True)
class All:
    """``&&``."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " && ".join(
            f"({part})" if isinstance(part, All | Any) else str(part) for part in self.parts
        )


@dataclass(frozen=True, slots=True)
class Any:
    """``||``."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " || ".join(
            f"({part})" if isinstance(part, All | Any) else str(part) for part in self.parts
        )


Condition = Member | Is | NotExists | All | Any


@dataclass(frozen=True, slots=True)
class Json:
    """A pattern over JSON events."""

    condition: Condition

    def __str__(self) -> str:
        return f"{{ {self.condition} }}"


Pattern = Terms | Slots | Json


def quoted(text: str) -> str:
    """A text between quotes, as the language reads it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
