"""``vpcflow run --no-capture``: the endpoint and delivery without metering."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from vpcflow.app.control_service import ControlService
from vpcflow.app.signals import stop_on_signals

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.policy.rule_set import RuleSet

#: How often it is looked whether somebody asks for the status, and everything still runs.
LOOK_S = 0.5


def serve_alone(settings: Settings, serving: Callable[[ControlService], None]) -> None:
    """Serve until a signal says stop.

    Shape: what the inventory file declares is known to the API as well, as it is with metering.
    Errors: SettingsError for an inventory file that cannot be read, BusyError when another process
    writes to the data folder; what ended the endpoint or delivery, if anything did.
    """
    declared = _declared(settings)
    with settings.folder.writer_lock(), stop_on_signals() as stop:
        control = ControlService(settings)
        try:
            if declared is not None:
                control.plane.network.sync_host(declared.inventory, declared)
            control.start()
            serving(control)
            _attend(control, settings, stop)
        finally:
            control.stop()


def _declared(settings: Settings) -> RuleSet | None:
    """What the inventory file says; None without one."""
    if settings.inventory.file is None:
        return None
    from vpcflow.policy.file import read_rule_set

    return read_rule_set(settings.inventory.file, settings.inventory)


def _attend(control: ControlService, settings: Settings, stop: threading.Event) -> None:
    """Answer `vpcflow status` until ``stop`` is set."""
    # Slow to load: the first answers of the endpoint come before.
    from vpcflow.app.live_view import LiveView
    from vpcflow.capture.exclusions import Exclusions

    view = LiveView(
        settings.folder.root,
        lambda: None,
        control.status,
        Exclusions(settings.capture.never_logged),
        console_link=control.console_link,
    )
    try:
        while not stop.wait(LOOK_S):
            if control.failed is not None:
                raise control.failed
            view.serve()
    finally:
        view.close()
