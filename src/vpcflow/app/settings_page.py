"""Lists all settings; `config show` and the reference page are both made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vpcflow.app.settings import ENVIRONMENT_PREFIX, Settings


@dataclass(frozen=True, slots=True)
class SettingEntry:
    """One setting as a person sees it: dotted name, environment variable, value, default, meaning."""

    name: str
    variable: str
    value: Any
    default: Any
    type_name: str
    bounds: str
    description: str


def list_settings(settings: Settings) -> Iterator[SettingEntry]:
    """Every setting in the order in which the models declare them."""
    yield from _entries(settings, Settings.model_fields, ())


def _entries(
    model: BaseModel, fields: dict[str, FieldInfo], parts: tuple[str, ...]
) -> Iterator[SettingEntry]:
    for name, info in fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _entries(value, type(value).model_fields, (*parts, name))
            continue
        path = (*parts, name)
        yield SettingEntry(
            name=".".join(path),
            variable=ENVIRONMENT_PREFIX + "__".join(path).upper(),
            value=value,
            default=info.get_default(call_default_factory=True, validated_data={}),
            type_name=_type_name(info),
            bounds=_bounds(info),
            description=info.description or "",
        )


def _type_name(info: FieldInfo) -> str:
    name = getattr(info.annotation, "__name__", None)
    text = name if name and "|" not in str(info.annotation) else str(info.annotation)
    return text.replace("pathlib.", "").replace("NoneType", "none").replace("typing.", "")


def _bounds(info: FieldInfo) -> str:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    found = []
    for constraint in info.metadata:
        for attribute, text in words.items():
            bound = getattr(constraint, attribute, None)
            if bound is not None:
                found.append(f"{text} {bound:,}" if isinstance(bound, int) else f"{text} {bound}")
    return ", ".join(found)
