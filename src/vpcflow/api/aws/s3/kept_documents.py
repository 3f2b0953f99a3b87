"""Sub-resources of a bucket that are kept and given back: one table instead of forty handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from vpcflow.api.aws.operation import Call, Operation, Result
from vpcflow.api.aws.s3.access import Access
from vpcflow.base.errors import ServiceError

#: Members that every Put of a document has beside the document itself.
CHECKED_BY_PROTOCOL = {
    "ContentMD5": "the body is checked against its signature",
    "ChecksumAlgorithm": "the body is checked against its signature",
}
_TIME = "$time"


@dataclass(frozen=True)
class KeptDocument:
    """One sub-resource.

    Shape: ``document`` is its name in the bucket, ``get``, ``put`` and ``delete`` the operations
    (empty: there is none), ``member`` that of Put's input. ``wrapped`` says that Get answers the
    member itself and not what is in it. ``absent`` is the refusal when nothing is kept, or None:
    then ``default`` is the answer. ``status`` is Put's. ``check`` may refuse what is put. ``ignores``
    are Put's beside what the protocol checks, of which Put lacks ``unchecked``; ``get_ignores`` are
    Get's. ``beside`` is a parameter of Put that is kept with the document and given back, and its
    default. ``none_without`` is a member without which nothing is kept.
    """

    document: str
    get: str
    put: str = ""
    delete: str = ""
    member: str = ""
    wrapped: bool = False
    absent: tuple[str, str] | None = None
    default: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    get_action: str = ""
    put_action: str = ""
    note: str = ""
    check: Callable[[Call, Any], None] = lambda _call, _content: None
    ignores: Mapping[str, str] = field(default_factory=dict)
    unchecked: frozenset[str] = frozenset()
    get_ignores: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[str, str] | None = None
    none_without: str = ""


def document_operations(access: Access, kept: KeptDocument) -> list[Operation]:
    """The operations of one sub-resource."""
    get_action = kept.get_action or kept.get
    put_action = kept.put_action or kept.put

    def get(call: Call) -> Result:
        bucket = access.bucket(call, get_action)
        found = bucket.documents.get(kept.document)
        if found is None:
            if kept.absent is not None:
                raise _absent(kept.absent, bucket.name)
            return dict(kept.default)
        content = _given(found)
        return {kept.member: content} if kept.wrapped else content

    def put(call: Call) -> Result:
        bucket = access.bucket(call, put_action)
        content = call.get(kept.member) or {}
        kept.check(call, content)
        answer: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": kept.status}}
        if kept.beside is not None:
            name, default = kept.beside
            answer[name] = call.get(name) or default
            content = {**content, name: answer[name]}
        empty = kept.none_without and not content.get(kept.none_without)
        access.buckets.keep(bucket.name, kept.document, None if empty else _kept(content))
        return answer

    def delete(call: Call) -> Result:
        bucket = access.bucket(call, put_action or kept.delete)
        access.buckets.keep(bucket.name, kept.document, None)
        return None

    whose = "Bucket ExpectedBucketOwner"
    made = [
        Operation(
            kept.get,
            get,
            whose,
            kept.get_ignores,
            action=f"s3:{get_action}",
            authorizes_itself=True,
        )
    ]
    if kept.put:
        checked = {
            name: why for name, why in CHECKED_BY_PROTOCOL.items() if name not in kept.unchecked
        }
        made.append(
            Operation(
                kept.put,
                put,
                f"{whose} {kept.member} {kept.beside[0] if kept.beside else ''}",
                {**checked, **kept.ignores},
                action=f"s3:{put_action}",
                authorizes_itself=True,
                note=kept.note,
            )
        )
    if kept.delete:
        made.append(
            Operation(
                kept.delete,
                delete,
                whose,
                action=f"s3:{put_action or kept.delete}",
                authorizes_itself=True,
            )
        )
    return made


def _absent(absent: tuple[str, str], bucket: str) -> ServiceError:
    code, message = absent
    return ServiceError(code, message, status=404, fields={"BucketName": bucket})


def _kept(value: Any) -> Any:
    """A document as JSON can keep it."""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return {_TIME: moment.timestamp()}
    if isinstance(value, Mapping):
        return {name: _kept(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(part) for part in value]
    return value


def _given(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {_TIME}:
            return datetime.fromtimestamp(value[_TIME], UTC)
        return {name: _given(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_given(part) for part in value]
    return value
