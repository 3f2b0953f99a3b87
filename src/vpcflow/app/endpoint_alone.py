"""``vpcflow run --no-capture``: the endpoint and delivery without metering."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vpcflow.app.control_service import ControlService
from vpcflow.app.signals import stop_on_signals

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings

#: How often it is looked whether everything still runs.
LOOK_S = 1.0


def serve_alone(settings: Settings, serving: Callable[[ControlService], None]) -> None:
    """Serve until a signal says stop.

    Errors: BusyError when another process writes to the data folder; what ended the endpoint or
    delivery, if anything did.
    """
    with settings.folder.writer_lock(), stop_on_signals() as stop:
        control = ControlService(settings)
        try:
            control.start()
            serving(control)
            while not stop.wait(LOOK_S):
                if control.failed is not None:
                    raise control.failed
        finally:
            control.stop()
