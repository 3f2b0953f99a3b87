"""``vpcflow run --no-capture``: the endpoint and delivery without metering."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vpcflow.app.control_service import ControlService
from vpcflow.app.signals import stop_on_signals

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings


def serve_alone(settings: Settings, serving: Callable[[ControlService], None]) -> None:
    """Serve until a signal says stop.

    Errors: BusyError when another process writes to the data folder.
    """
    with settings.folder.writer_lock(), stop_on_signals() as stop:
        control = ControlService(settings)
        try:
            control.start()
            serving(control)
            stop.wait()
        finally:
            control.stop()
