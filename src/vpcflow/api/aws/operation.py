"""What a service offers to the dispatcher: operations, what each takes, and what it is allowed by."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import Caller
from vpcflow.control.state import Place


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it came over the wire.

    Shape: ``path`` is still percent-encoded, ``query`` is the raw query string; header names are
    lower-case, in the order in which they came; ``client`` is the other end's address, if known.
    """

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    client: str = ""

    def header(self, name: str) -> str | None:
        """The first header of a lower-case name."""
        return next((value for key, value in self.headers if key == name), None)


class Authorizer(Protocol):
    """Says no, or nothing."""

    def __call__(
        self,
        caller: Caller,
        action: str,
        resources: Sequence[str],
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """Raise ServiceError, worded for the service of the action, unless the caller may do that.

        Shape: ``action`` as ``ec2:CreateFlowLogs``, ``resources`` ARNs or ``*``, all of them must be
        allowed; ``context`` holds condition keys of the request.
        """


@dataclass(frozen=True, slots=True)
class Call:
    """One request whose signature is right, with its parameters read.

    Shape: ``service`` is botocore's name, ``parameters`` are as botocore takes them (``ResourceIds``
    and not ``ResourceId.1``), checked against the model.
    Units: ``now_s`` is the moment the request came, in seconds since the epoch.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    caller: Caller
    region: str
    request_id: str
    now_s: float
    raw: RawRequest
    authorize: Authorizer

    @property
    def place(self) -> Place:
        """The caller's account and the request's region."""
        return Place(self.caller.account_id, self.region)

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter."""
        return self.parameters.get(name, default)


@dataclass(frozen=True, slots=True)
class EventStream:
    """An answer that goes on: events of a botocore event stream member, each ``(name, members)``."""

    events: AsyncGenerator[tuple[str, Mapping[str, Any]], None]


Result = Mapping[str, Any] | EventStream | None


def dry_run() -> ServiceError:
    """The answer to a DryRun that would have succeeded."""
    return ServiceError(
        "DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412
    )


@dataclass(frozen=True)
class Operation:
    """One operation of a service.

    Shape: ``handle`` gets a Call and gives the members of the model's output shape (None members
    are left out), or raises ServiceError. As in botocore's own answers, a member
    ``ResponseMetadata`` with ``HTTPStatusCode`` gives another HTTP status than the model's, which
    REST answers alone have (S3's 204); a streaming member (S3's ``Body``) is bytes, or an iterator
    of bytes beside ``ContentLength``. ``takes`` are the parameters of the model that it acts upon,
    blanks between; ``ignores`` those that are accepted and change nothing, each with why.
    Every other parameter of the model is refused when a caller gives it. ``action`` is IAM's name
    of it, ``service:Operation`` if empty; ``resources`` are the ARNs it is about, ``*`` if None;
    ``context`` are condition keys beside those of every request.
    ``authorizes_itself``: the dispatcher does not ask, ``handle`` does.
    ``handles_dry_run``: ``handle`` looks at DryRun itself, else the dispatcher answers it.
    ``raw_members``: parameters that the protocol does not check, since ``handle`` does it faster.
    """

    name: str
    handle: Callable[[Call], Result]
    takes: str = ""
    ignores: Mapping[str, str] = field(default_factory=dict)
    action: str = ""
    resources: Callable[[Call], Sequence[str]] | None = None
    context: Callable[[Call], Mapping[str, Any]] | None = None
    authorizes_itself: bool = False
    handles_dry_run: bool = False
    raw_members: frozenset[str] = frozenset()
    note: str = ""


@dataclass(frozen=True)
class Service:
    """One service: botocore's name and its operations by name."""

    name: str
    operations: Mapping[str, Operation]

    @classmethod
    def of(cls, name: str, operations: Sequence[Operation]) -> Service:
        """A service of operations, each once."""
        by_name = {operation.name: operation for operation in operations}
        assert len(by_name) == len(operations), f"an operation of {name} is there twice"
        return cls(name, by_name)
