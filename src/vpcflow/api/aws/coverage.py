"""What of AWS's API is there: each operation and parameter done, refused or ignored, as a page.

Made of the operations themselves and of botocore's models, so that it cannot be out of step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from vpcflow.api.aws.operation import Operation, Service
from vpcflow.api.aws.protocol.models import input_members, operation_names

#: What a caller of an operation that is not offered gets, by service; JSON's answer for the rest.
_UNKNOWN_OPERATION = {
    "ec2": "`InvalidAction`, HTTP 400",
    "iam": "`InvalidAction`, HTTP 400",
    "sts": "`InvalidAction`, HTTP 400",
    "s3": "`MethodNotAllowed`, HTTP 405",
}
_UNKNOWN_OPERATION_JSON = "`UnknownOperationException`, HTTP 400"
#: What a service is here, in a sentence.
_SUMMARIES = {
    "cloudwatch": "Metrics: those that metric filters count, and those that clients put.",
    "ec2": "Flow logs, and the VPC around them.",
    "firehose": "Delivery streams to HTTP endpoints and buckets.",
    "iam": "Users, groups, roles and policies of the account.",
    "logs": "CloudWatch Logs: log groups, their events and filters.",
    "s3": "Buckets and objects, as flow logs and their readers need them.",
    "sts": "Who a caller is, and temporary keys.",
}
#: The dispatcher answers it for every operation of EC2.
_DRY_RUN = "DryRun"


class Treatment(StrEnum):
    """What becomes of a parameter."""

    DONE = "done"
    REFUSED = "refused"
    IGNORED = "ignored"


def treatments(service: Service, operation: Operation) -> dict[str, Treatment]:
    """Every parameter of the model's operation, in the model's order."""
    takes = {*operation.takes.split(), _DRY_RUN}
    return {
        name: Treatment.DONE
        if name in takes
        else Treatment.IGNORED
        if name in operation.ignores
        else Treatment.REFUSED
        for name in input_members(service.name, operation.name)
    }


def wrong_names(services: Iterable[Service]) -> list[str]:
    """Names in ``takes`` and ``ignores``, and operations, that the models do not have."""
    wrong = []
    for service in services:
        known = set(operation_names(service.name))
        for operation in service.operations.values():
            if operation.name not in known:
                wrong.append(f"{service.name} {operation.name}: no such operation")
                continue
            members = set(input_members(service.name, operation.name))
            takes = operation.takes.split()
            wrong += [
                f"{service.name} {operation.name}: no parameter {name}"
                for name in [*takes, *operation.ignores, *operation.raw_members]
                if name not in members
            ]
            wrong += [
                f"{service.name} {operation.name}: {name} is both taken and ignored"
                for name in takes
                if name in operation.ignores
            ]
    return wrong


def coverage_page(services: Iterable[Service]) -> str:
    """The page, in Markdown."""
    ordered = sorted(services, key=lambda service: service.name)
    parts = [
        "# Coverage of AWS's API\n\n",
        "What becomes of each operation and each parameter that AWS's clients know:\n\n",
        "- **done**: it is acted upon. Every parameter of an operation that is listed here is done ",
        "if nothing else is said of it. Values that AWS refuses are refused here as well, and what ",
        "is left out of a request has AWS's default.\n",
        "- **refused**: a request that gives it gets an error that names it; nothing is changed.\n",
        "- **ignored**: it is accepted and changes nothing, for the reason given.\n\n",
        "Operations that are not listed are answered with an error in the caller's protocol, ",
        "shown in the last column.\n\n",
        "| service | | operations | of the model's | all others |\n",
        "|---|---|---|---|---|\n",
    ]
    parts += [
        f"| [{service.name}](#{service.name}) | {_SUMMARIES.get(service.name, '')} "
        f"| {len(service.operations)} | {len(operation_names(service.name))} "
        f"| {_unknown(service)} |\n"
        for service in ordered
    ]
    for service in ordered:
        parts += _service_part(service)
    return "".join(parts)


def _service_part(service: Service) -> Iterator[str]:
    yield f"\n## {service.name}\n\n"
    whole, rows = [], []
    for name in sorted(service.operations):
        operation = service.operations[name]
        found = treatments(service, operation)
        refused, ignored = _names(found, Treatment.REFUSED), _ignored(operation, found)
        if refused or ignored or operation.note:
            rows.append(f"| {name} | {refused} | {ignored} | {_note(operation.note)} |\n")
        else:
            whole.append(name)
    if whole:
        yield f"With every parameter: {', '.join(whole)}.\n"
    if rows:
        yield "\n" if whole else ""
        yield "| operation | refused | ignored | note |\n|---|---|---|---|\n"
        yield from rows


def _unknown(service: Service) -> str:
    return _UNKNOWN_OPERATION.get(service.name, _UNKNOWN_OPERATION_JSON)


def _names(found: dict[str, Treatment], treatment: Treatment) -> str:
    return ", ".join(f"`{name}`" for name, one in found.items() if one is treatment)


def _ignored(operation: Operation, found: dict[str, Treatment]) -> str:
    """Parameters that are ignored for the same reason stand together."""
    reasons: dict[str, list[str]] = {}
    for name, one in found.items():
        if one is Treatment.IGNORED:
            reasons.setdefault(_cell(operation.ignores[name]), []).append(f"`{name}`")
    return "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())


def _note(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    # A note may begin with a parameter's own name, as applyOnTransformedLogs.
    starts = text[0].upper() + text[1:] if text.split()[0].strip(",:;").islower() else text
    return starts.replace("|", "\\|").replace("\n", " ").rstrip(".") + "."


def _cell(text: str) -> str:
    text = text.rstrip(".").replace("|", "\\|").replace("\n", " ")
    return text[0].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
