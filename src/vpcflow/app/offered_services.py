"""What the endpoint offers, for the page of its coverage: without a data folder that stays."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from vpcflow.api.aws.operation import Service
from vpcflow.api.settings import ApiSettings
from vpcflow.app.control_service import ControlService
from vpcflow.app.settings import Settings


def offered_services() -> list[Service]:
    """Every service, as `vpcflow run` has it: to be looked at, what it works on is closed.

    Shape: made over an empty folder that is removed again; nothing is served.
    """
    with TemporaryDirectory(prefix="vpcflow-") as folder:
        control = ControlService(Settings(data=Path(folder), api=ApiSettings(port=0)))
        try:
            return list(control.services().values())
        finally:
            control.stop()
