"""Aim: the page of AWS's API is about parameters that AWS has, and about every service that is
served. Method: the services as `vpcflow run` makes them, against botocore's models."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpcflow.api.aws.coverage import wrong_names
from vpcflow.api.aws.operation import Service
from vpcflow.app.offered_services import offered_services

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "aws-api.md"


@pytest.fixture(scope="module")
def services() -> list[Service]:
    return offered_services()


def test_operations_and_parameters_are_those_of_the_models(services: list[Service]) -> None:
    assert wrong_names(services) == []


def test_every_operation_is_on_the_page(services: list[Service]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for service in services:
        part = page.split(f"\n## {service.name}\n")[1].split("\n## ")[0]
        names = {word.strip("|:,.") for word in part.split()}
        assert set(service.operations) <= names
