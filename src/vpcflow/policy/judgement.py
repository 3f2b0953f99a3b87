"""The values of a judgement, as numbers that columns hold."""

from __future__ import annotations

from enum import IntEnum


class Verdict(IntEnum):
    """As in the flow table; UNKNOWN is never written as ACCEPT."""

    UNKNOWN = 0
    ACCEPT = 1
    REJECT = 2


class SaidNo(IntEnum):
    """Who refused; NOBODY also where it cannot be told which of the two it was."""

    NOBODY = 0
    GROUP = 1
    ACL = 2


class Initiated(IntEnum):
    """Whether a flow's own direction began its connection.

    THERE: the other direction did, so the flow is the reply.
    """

    THERE = 0
    HERE = 1
    UNKNOWN = 2
