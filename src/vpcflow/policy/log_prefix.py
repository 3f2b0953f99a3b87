"""What a compiled ruleset writes into the prefix of an NFLOG message, and how it is read back.

``vpcflow:R:eni-0123456789abcdef0:i:sgr-0123456789abcdef0``: a mark that it is ours, the verdict
(``A`` or ``R``), the network interface, the direction there (``i`` or ``e``), and the rule. The
rule stands last and may hold colons and spaces: ``sg-... default``, ``acl-.../100``, ``acl-.../*``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from vpcflow.base.errors import SettingsError
from vpcflow.policy.security_group import Direction

#: The kernel keeps 128 bytes of a prefix, the last is 0 (NF_LOG_PREFIXLEN).
LOG_PREFIX_BYTES_MAX = 127
LOG_PREFIX_MARK = "vpcflow"

_INTERFACE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: Nothing that ends or expands a string of nft: no quotation mark, backslash or dollar sign.
_RULE = re.compile(r"[A-Za-z0-9 .,:;/*+=@()<>_-]*")
_PREFIX = re.compile(rf"{LOG_PREFIX_MARK}:([AR]):({_INTERFACE_ID.pattern}):([ie]):(.*)", re.DOTALL)


class LoggedVerdict(StrEnum):
    """What the firewall did with the packet, spelled as the field ``action``."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"


_VERDICTS = {"A": LoggedVerdict.ACCEPT, "R": LoggedVerdict.REJECT}
_DIRECTIONS = {"i": Direction.INGRESS, "e": Direction.EGRESS}


@dataclass(frozen=True, slots=True)
class LogPrefix:
    """Who decided what, where: one logging rule of a compiled ruleset.

    Shape: ``rule`` names the rule or entry that decided, empty when there is none to name.
    Errors: SettingsError when the text does not fit the kernel's bound or an nft string.
    """

    verdict: LoggedVerdict
    interface_id: str
    direction: Direction
    rule: str = ""

    def __post_init__(self) -> None:
        if not _INTERFACE_ID.fullmatch(self.interface_id):
            raise SettingsError(
                "an interface id that a firewall rule logs is letters, digits, '.', '_' and '-'",
                where=repr(self.interface_id),
            )
        if not _RULE.fullmatch(self.rule) or self.rule != self.rule.strip():
            raise SettingsError(
                "the name of a rule cannot be written into a log prefix",
                where=repr(self.rule),
                hint="use letters, digits, spaces inside, and . , : ; / * + = @ ( ) < > _ -",
            )
        size = len(self.format())
        if size > LOG_PREFIX_BYTES_MAX:
            raise SettingsError(
                f"a log prefix has at most {LOG_PREFIX_BYTES_MAX} bytes, this one would have {size}",
                where=repr(self.rule),
                hint="give the rule a shorter id",
            )

    def format(self) -> str:
        """The text between the quotation marks of nft's ``log prefix "..."``; ASCII."""
        return ":".join(
            (LOG_PREFIX_MARK, self.verdict[0], self.interface_id, self.direction[0], self.rule)
        )

    @classmethod
    def parse(cls, text: str) -> LogPrefix | None:
        """Read a prefix back; None when it is not one of ours, or not whole."""
        match = _PREFIX.fullmatch(text)
        if match is None:
            return None
        verdict, interface_id, direction, rule = match.groups()
        try:
            return cls(_VERDICTS[verdict], interface_id, _DIRECTIONS[direction], rule)
        except SettingsError:
            return None
