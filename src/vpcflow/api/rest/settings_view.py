"""Settings and retention as they are in force; both are changed where the settings are, not here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request

from vpcflow.api.rest.access import own
from vpcflow.api.rest.health_models import Retention, RetentionDay, SettingsView, SettingView
from vpcflow.store.file_index import FileIndex
from vpcflow.store.retention import plan_retention

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

_HIDDEN = "***"
_DAYS, _BYTES = "table.retention_days", "table.retention_bytes_max"


def routes(services: RestServices) -> APIRouter:
    """``GET /settings`` and ``GET /retention``."""
    router = APIRouter(tags=["settings"])

    @router.get("/settings")
    def list_settings(request: Request) -> SettingsView:
        """All settings with value, default and meaning; secrets are hidden."""
        own(services, request, "vpcflow:GetSettings")
        return SettingsView(
            settings=[_setting(name, told) for name, told in services.settings().items()]
        )

    @router.get("/retention")
    def get_retention(request: Request) -> Retention:
        """What would be deleted now, told before it is."""
        own(services, request, "vpcflow:GetSettings")
        return _retention(services)

    return router


def _setting(name: str, told: Mapping[str, Any]) -> SettingView:
    value, default = told["value"], told["default"]
    variable = told["variable"]
    is_default = value == default
    named = variable in os.environ
    return SettingView(
        name=name,
        part=name.partition(".")[0] if "." in name else "",
        variable=variable,
        value=_plain(value),
        default=_plain(default),
        is_default=is_default,
        source="environment" if named else "default" if is_default else "file",
        type=told["type"],
        bounds=told["bounds"],
        description=told["description"],
        secret=isinstance(value, str) and _HIDDEN in value,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [str(one) for one in value]
    return value if isinstance(value, str | int | float | None) else str(value)


def _retention(services: RestServices) -> Retention:
    settings = services.settings()
    days, size = (settings.get(name, {}).get("value") for name in (_DAYS, _BYTES))
    plan = plan_retention(
        FileIndex(services.folder).entries(),
        now_s=services.clock.now_s(),
        age_days=days,
        bytes_max=size,
    )
    bound = days is not None or size is not None
    return Retention(
        retention_days=days,
        retention_bytes_max=size,
        days=[
            RetentionDay(
                day_s=day.day,
                reason=day.reason,
                files=len(day.files),
                rows=day.rows,
                bytes=day.bytes,
            )
            for day in plan.days
        ],
        rows=plan.rows,
        bytes=plan.bytes,
        rows_kept=plan.rows_kept,
        bytes_kept=plan.bytes_kept,
        bytes_over=plan.bytes_over,
        command="vpcflow retention plan",
        hint="these days go with the next round of maintenance"
        if plan.days
        else "nothing goes now"
        if bound
        else f"everything is kept; set {_DAYS} or {_BYTES} to let old records go",
    )
