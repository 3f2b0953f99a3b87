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
    "s3": "`NotImplemented`, HTTP 501",
}
_UNKNOWN_OPERATION_JSON = "`UnknownOperationException`, HTTP 400"
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
        "**Done**: the parameter is acted upon. **Refused**: a request that gives it gets an error ",
        "that names it. **Ignored**: it is accepted and changes nothing, for the reason given. ",
        "Values that AWS refuses are refused here as well; what is left out of a request has ",
        "AWS's default.\n\n",
        "| service | operations done | of the model | an operation that is not offered answers |\n",
        "|---|---|---|---|\n",
    ]
    parts += [
        f"| [{service.name}](#{service.name}) | {len(service.operations)} "
        f"| {len(operation_names(service.name))} | {_unknown(service)} |\n"
        for service in ordered
    ]
    for service in ordered:
        parts += _service_part(service)
    return "".join(parts)


def _service_part(service: Service) -> Iterator[str]:
    model = operation_names(service.name)
    left = len(set(model) - set(service.operations))
    yield f"\n## {service.name}\n\n"
    yield f"{left} operations of the model are not offered; their callers get {_unknown(service)}.\n"
    yield "\n| operation | done | refused | ignored |\n|---|---|---|---|\n"
    notes = []
    for name in sorted(service.operations):
        operation = service.operations[name]
        found = treatments(service, operation)
        ignored = [
            f"`{one}`: {_cell(operation.ignores[one])}"
            for one, treatment in found.items()
            if treatment is Treatment.IGNORED
        ]
        yield (
            f"| {name} | {_names(found, Treatment.DONE)} | {_names(found, Treatment.REFUSED)} "
            f"| {'; '.join(ignored)} |\n"
        )
        if operation.note:
            notes.append(f"- **{name}**: {operation.note}\n")
    if notes:
        yield "\n"
        yield from notes


def _unknown(service: Service) -> str:
    return _UNKNOWN_OPERATION.get(service.name, _UNKNOWN_OPERATION_JSON)


def _names(found: dict[str, Treatment], treatment: Treatment) -> str:
    return ", ".join(f"`{name}`" for name, one in found.items() if one is treatment)


def _cell(text: str) -> str:
    return text.rstrip(".").replace("|", "\\|").replace("\n", " ")
