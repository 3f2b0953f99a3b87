"""The description of the API: made without services, with a name of its own for every operation."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from vpcflow.api.rest.app import openapi_of_routes

_ROOT = Path(__file__).resolve().parents[4]


def test_operations_have_names_of_their_own_and_say_what_they_do() -> None:
    described = openapi_of_routes()
    operations = [
        (path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    names = Counter(operation["operationId"] for _, _, operation in operations)
    assert [name for name, times in names.items() if times > 1] == []
    assert [
        (path, method) for path, method, operation in operations if not operation.get("description")
    ] == []


def test_answers_are_described_as_json_and_as_arrow() -> None:
    operation = openapi_of_routes()["paths"]["/questions/{name}"]["get"]
    content = operation["responses"]["200"]["content"]
    assert set(content) == {"application/json", "application/vnd.apache.arrow.stream"}
    assert content["application/json"]["schema"]["$ref"].endswith("/AnswerBody")
    assert operation["responses"]["4XX"]["content"]["application/json"]["schema"]["$ref"].endswith(
        "/FaultAnswer"
    )


def test_the_committed_description_is_one() -> None:
    page = json.loads((_ROOT / "docs/reference/openapi.json").read_text(encoding="utf-8"))
    assert page["servers"] == [{"url": "/api/v1"}]
    assert "/questions/{name}" in page["paths"]
