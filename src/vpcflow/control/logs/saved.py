"""What clients keep beside log groups: saved queries and resource policies."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vpcflow.base.errors import ServiceError
from vpcflow.control.logs.log_group import invalid
from vpcflow.control.state import Kind, Place, State

POLICIES_MAX = 10
POLICY_BYTES_MAX = 5_120
DEFINITIONS_MAX = 1_000
#: Log groups that one saved query names.
DEFINITION_GROUPS_MAX = 50


@dataclass(frozen=True, slots=True)
class QueryDefinition:
    """A saved query; ``changed_ms`` in milliseconds since the epoch."""

    definition_id: str
    name: str
    query: str
    changed_ms: int
    language: str | None = None
    log_groups: Sequence[str] = ()
    parameters: Sequence[Mapping[str, str]] = ()
    client_token: str | None = None


@dataclass(frozen=True, slots=True)
class ResourcePolicy:
    """A policy of the account's logs; kept, and asked of nobody here."""

    name: str
    document: str
    changed_ms: int


QUERY_DEFINITIONS: Kind[QueryDefinition] = Kind("query-definition", QueryDefinition)
RESOURCE_POLICIES: Kind[ResourcePolicy] = Kind("logs-resource-policy", ResourcePolicy)


def put_definition(
    state: State, place: Place, definition: QueryDefinition, *, is_update: bool
) -> str:
    """Keep a saved query; its id. A client token that came before gives the same query again.

    Errors: ServiceError for an update of one that is not there.
    """
    if len(definition.log_groups) > DEFINITION_GROUPS_MAX:
        raise invalid(f"A query definition names at most {DEFINITION_GROUPS_MAX} log groups.")
    with state.change() as change:
        held = change.all(QUERY_DEFINITIONS, place)
        if is_update:
            if definition.definition_id not in held:
                raise definition_missing()
            wanted = definition.definition_id
        else:
            wanted = next(
                (
                    one.definition_id
                    for one in held.values()
                    if definition.client_token and one.client_token == definition.client_token
                ),
                str(uuid.uuid4()),
            )
            if len(held) >= DEFINITIONS_MAX and wanted not in held:
                raise ServiceError("LimitExceededException", "Resource limit exceeded.")
        kept = QueryDefinition(
            wanted,
            definition.name,
            definition.query,
            definition.changed_ms,
            definition.language,
            tuple(definition.log_groups),
            tuple(definition.parameters),
            definition.client_token,
        )
        change.put(QUERY_DEFINITIONS, place, wanted, kept)
    return wanted


def delete_definition(state: State, place: Place, definition_id: str) -> None:
    """Delete a saved query."""
    with state.change() as change:
        if change.get(QUERY_DEFINITIONS, place, definition_id) is None:
            raise definition_missing()
        change.remove(QUERY_DEFINITIONS, place, definition_id)


def put_policy(state: State, place: Place, policy: ResourcePolicy) -> None:
    """Keep a policy; one of the same name is replaced."""
    small = len(policy.document.encode()) <= POLICY_BYTES_MAX
    try:
        read = json.loads(policy.document) if small else None
    except (ValueError, RecursionError) as error:
        raise invalid("The policy document is not valid JSON.") from error
    if not isinstance(read, dict):
        raise invalid(f"A policy document is a JSON object of at most {POLICY_BYTES_MAX} bytes.")
    with state.change() as change:
        held = change.all(RESOURCE_POLICIES, place)
        if policy.name not in held and len(held) >= POLICIES_MAX:
            raise ServiceError("LimitExceededException", "Resource limit exceeded.")
        change.put(RESOURCE_POLICIES, place, policy.name, policy)


def delete_policy(state: State, place: Place, name: str) -> None:
    """Delete a policy."""
    with state.change() as change:
        if change.get(RESOURCE_POLICIES, place, name) is None:
            raise ServiceError(
                "ResourceNotFoundException", f"Policy with name [{name}] does not exist."
            )
        change.remove(RESOURCE_POLICIES, place, name)


def definition_missing() -> ServiceError:
    """The refusal for a saved query that is not there."""
    return ServiceError(
        "ResourceNotFoundException", "The specified query definition does not exist."
    )
