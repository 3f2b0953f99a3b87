"""botocore's service models, loaded once each, and what the protocols ask of them.

Source: the models that botocore carries; names of services are botocore's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

#: What a credential scope calls a service, and what botocore calls it.
SERVICE_OF_SIGNING_NAME: Mapping[str, str] = {
    "logs": "logs",
    "ec2": "ec2",
    "iam": "iam",
    "sts": "sts",
    "s3": "s3",
    "firehose": "firehose",
    "monitoring": "cloudwatch",
}
SERVICES: tuple[str, ...] = tuple(SERVICE_OF_SIGNING_NAME.values())

_lock = threading.RLock()
_models: dict[str, ServiceModel] = {}
Compiled = TypeVar("Compiled")


def model_of(service: str) -> ServiceModel:
    """The model of a service.

    Errors: KeyError for a service that is not in ``SERVICES``.
    """
    model = _models.get(service)
    if model is None:
        if service not in SERVICES:
            raise KeyError(service)
        with _lock:
            model = _models.get(service)
            if model is None:
                description = Loader().load_service_model(service, "service-2")
                model = _models[service] = ServiceModel(description, service)
    return model


@cache
def operation_names(service: str) -> tuple[str, ...]:
    """All operations of the model, by name."""
    return tuple(sorted(model_of(service).operation_names))


@cache
def known_operations(service: str) -> frozenset[str]:
    """The same, to look up."""
    return frozenset(model_of(service).operation_names)


def operation_of(service: str, operation: str) -> OperationModel:
    """The model of one operation."""
    with _lock:
        return model_of(service).operation_model(operation)


def input_members(service: str, operation: str) -> tuple[str, ...]:
    """The parameters of an operation, in the model's order."""
    shape = operation_of(service, operation).input_shape
    return () if shape is None else tuple(shape.members)


@cache
def protocols_of(service: str) -> tuple[str, ...]:
    """The protocols that a service speaks, in the model's order."""
    return tuple(model_of(service).metadata["protocols"])


def error_shape(service: str, code: str) -> Shape | None:
    """The shape of a modelled error, by its name or by the code that Query clients know."""
    # Not cached for what a stranger calls a service: there is no end of such names.
    return _error_shape(service, code) if service in SERVICES else None


@cache
def _error_shape(service: str, code: str) -> Shape | None:
    with _lock:
        model = model_of(service)
        for shape in model.error_shapes:
            if code in (shape.name, shape.metadata.get("error", {}).get("code")):
                return shape
    return None


def compiled_once(
    compile_one: Callable[[str, str], Compiled],
) -> Callable[[str, str], Compiled]:
    """A function of service and operation that is computed once, by one thread.

    botocore's shapes resolve themselves on first use, which two threads must not do at once.
    """
    done: dict[tuple[str, str], Compiled] = {}

    def of(service: str, operation: str) -> Compiled:
        key = (service, operation)
        found = done.get(key)
        if found is None:
            with _lock:
                found = done.get(key)
                if found is None:
                    found = done[key] = compile_one(service, operation)
        return found

    return of


def members_of(shape: Shape) -> Mapping[str, Shape]:
    """The members of a structure."""
    members: Mapping[str, Shape] = shape.members  # type: ignore[attr-defined]
    return members


def trait(shape: Shape, name: str) -> Any:
    """A trait of a shape that concerns its form on the wire."""
    return shape.serialization.get(name)
