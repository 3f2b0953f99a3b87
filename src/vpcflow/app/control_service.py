"""The control plane as it runs: the endpoint, delivery, and what keeps house."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from vpcflow.api.aws import ec2, iam, monitoring, s3, sts
from vpcflow.api.aws.dispatch import Dispatcher
from vpcflow.api.aws.ec2 import flow_logs as flow_log_operations
from vpcflow.api.aws.endpoint import AwsEndpoint
from vpcflow.api.aws.logs import filters as filter_operations
from vpcflow.api.aws.logs.service import service as logs_service
from vpcflow.api.aws.operation import Service
from vpcflow.api.aws.signature import Verifier
from vpcflow.api.server import ApiServer
from vpcflow.app.console_service import ConsoleService
from vpcflow.app.control_plane import control_plane, stream_role_problem
from vpcflow.app.delivery_plans import DeliveryPlans
from vpcflow.app.delivery_streams import StreamsHereAndElsewhere
from vpcflow.app.destinations import BucketsHereAndElsewhere
from vpcflow.app.housekeeping import ControlCounts, Housekeeping, most_held
from vpcflow.app.log_group_receiver import LogGroupDeliveries
from vpcflow.app.settings import (
    ROOT_ACCESS_KEY_ID_VARIABLE,
    ROOT_SECRET_ACCESS_KEY_VARIABLE,
)
from vpcflow.app.spool_drain import DELIVERY_FOLDER
from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.errors import FlowLogError, SettingsError
from vpcflow.control.identity import RootKey, seed_root_key
from vpcflow.control.logs.filter import count as metric_filters_of
from vpcflow.control.logs.filter import forget_group as forget_filters
from vpcflow.control.logs.log_event_filters import LogEventFilters
from vpcflow.control.logs.service import LogGroupService
from vpcflow.control.metrics.metric_store import MetricStore
from vpcflow.control.state import State
from vpcflow.deliver.service import DeliveryService
from vpcflow.query.log_events import LogEventReader
from vpcflow.store.event_store import EventStore
from vpcflow.store.file_index import FileIndex
from vpcflow.store.ingestion_times import IngestionTimes
from vpcflow.store.objects import ObjectStore
from vpcflow.store.recent_segments import RecentSegments

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings

_LOG = structlog.get_logger(__name__)
#: Metering and the first answers come first; then what only questions need is loaded.
WARM_UP_AFTER_S = 1.0
#: Where the batches that came last are, within the data folder.
RECENT_FOLDER = "recent"


class ControlService:
    """Serves the endpoint and delivers, from ``start`` to ``stop``.

    Shape: the data folder's writer lock is the caller's. ``on_thread`` is called at the beginning of
    each thread, which all face the network, so that it can give its privileges back. Unless it
    ``must_serve``, an address that cannot be had and that nobody asked for leaves it without an
    endpoint; ``no_endpoint`` says why.
    Errors: SettingsError for an address or a key that cannot be, StoreError when the disk says no.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        on_thread: Callable[[], None] = lambda: None,
        must_serve: bool = True,
    ) -> None:
        self._clock = clock or SystemClock()
        self._settings = settings
        folder = settings.folder
        with ExitStack() as stack:
            self.plane = control_plane(settings, self._clock)
            stack.callback(self.plane.close)
            self.root_key = _root_key(settings, self.plane.state)
            self.events = EventStore(folder.root, settings.events)
            stack.callback(self.events.close)
            self.objects = ObjectStore(folder.root / "objects", settings.objects, self._clock)
            stack.callback(self.objects.close)
            self.ingestion = IngestionTimes(folder.root)
            self.recent = RecentSegments(folder.root / RECENT_FOLDER, clock=self._clock)
            self._reader = LogEventReader(FileIndex(folder), self.events, self.ingestion)
            self._metrics = MetricStore(self.plane.state.database, self._clock)
            self._streams = StreamsHereAndElsewhere(
                settings, self.plane.state, self.objects, self._clock
            )
            stack.callback(self._streams.close)
            self._filters = LogEventFilters(self.plane.state, self._metrics, self._streams.offer)
            self.log_groups = LogGroupService(
                self.plane.state,
                self.events,
                on_delete=(forget_filters, self.plane.flow_logs.forget_past),
                on_put=(self._filters.take_events,),
            )
            self.log_groups.sweep()
            self.delivery = self._make_delivery()
            stack.callback(self.delivery.close)
            self.no_endpoint = self.no_console = ""
            self._server = self._make_server(on_thread, must_serve)
            self.console = self._make_console(on_thread, must_serve)
            self._resources = stack.pop_all()
        self._stop = threading.Event()
        self._ended: list[BaseException] = []
        self._counts = ControlCounts(self.plane.state, self.delivery, self._clock)
        self._housekeeping = Housekeeping(
            self._clock,
            metrics=self._metrics,
            log_groups=self.log_groups,
            objects=self.objects,
            count=self._counts.count,
        )
        self._threads = self._make_threads(on_thread)

    @property
    def made_its_key(self) -> bool:
        """Whether nobody but this start knows the root's key."""
        return self.root_key.created and ROOT_ACCESS_KEY_ID_VARIABLE not in os.environ

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL should be; empty when there is no endpoint."""
        return self._server.url if self._server is not None else ""

    def services(self) -> dict[str, Service]:
        """Everything that the endpoint offers, by botocore's name."""
        plane = self.plane
        made = (
            ec2.service(plane.network, flow_log_operations.operations(plane.flow_logs)),
            iam.service(plane.state),
            sts.service(plane.state, plane.permissions),
            s3.service(plane.buckets, self.objects, plane.permissions),
            monitoring.service(self._metrics),
            self._streams.service(),
            logs_service(
                plane.state,
                self.log_groups,
                self._reader,
                plane.flow_logs.log_group_sources,
                filters=filter_operations.operations(
                    plane.state,
                    stream_exists=lambda _place, stream_arn: self._streams.exists(stream_arn),
                    role_may=lambda place, role, stream_arn: (
                        stream_role_problem(plane.state, place, role, stream_arn) is None
                    ),
                    send_to_stream=self._streams.offer,
                ),
                metric_filters_of=lambda place, group: metric_filters_of(plane.state, place, group),
            ),
        )
        return {service.name: service for service in made}

    def start(self) -> None:
        """Begin to serve and to deliver."""
        for thread in self._threads:
            thread.start()
        if self._server is not None:
            self._server.start()
        if self.console is not None:
            self.console.start()

    def take(self, paths: Sequence[Path]) -> None:
        """Batches that are in the table now: hand them on before the spool gives them up."""
        self.recent.take(paths)
        self.delivery.take(paths)

    def stop(self) -> None:
        """Answer what was asked, finish what is under way, then close everything, started or not."""
        if self.console is not None:
            self.console.stop()
        if self._server is not None:
            self._server.stop()
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        try:
            self._metrics.flush()
        except FlowLogError as error:
            _LOG.warning("metrics of the last seconds are lost", error=str(error))
        finally:
            self._resources.close()

    def console_link(self) -> str:
        """An address that signs in to the console; empty when there is none."""
        return self.console.link() if self.console is not None else ""

    def tell_status(self, status: Callable[[], dict[str, Any]]) -> None:
        """What the console tells from now on, instead of our own part of it."""
        if self.console is not None:
            self.console.status = status

    def status(self) -> dict[str, Any]:
        """How the endpoint, flow logs and deliveries fare, by name; for a caller who cannot wait."""
        return {
            "endpoint": self.url or self.no_endpoint,
            "console": self.console.url if self.console is not None else self.no_console,
            **self._counts.facts(),
            "streams_held_bytes": most_held(self._streams.held_bytes()),
            "control_problem": self.problem,
        }

    @property
    def problem(self) -> str:
        """What does not run as it should; empty when all is well."""
        ended = self.failed
        if ended is not None:
            return f"a part has ended: {ended or type(ended).__name__}"
        if self.console is not None and self.console.failed is not None:
            # Metering and the endpoint go on without it.
            return f"the console has ended: {self.console.failed!r}"
        return self.delivery.problem or self._housekeeping.problem

    @property
    def failed(self) -> BaseException | None:
        """What ended a thread that should run until ``stop``."""
        server = self._server.failed if self._server is not None else None
        return server or next(iter(self._ended), None)

    def _make_threads(self, on_thread: Callable[[], None]) -> list[threading.Thread]:
        return [
            threading.Thread(target=self._run, args=(on_thread, target), name=name, daemon=True)
            for name, target in (
                ("vpcflow-delivery", self.delivery.run),
                ("vpcflow-streams", self._streams.run),
                ("vpcflow-housekeeping", self._housekeeping.run),
                ("vpcflow-warm-up", self._warm_up),
            )
        ]

    def _make_server(self, on_thread: Callable[[], None], must_serve: bool) -> ApiServer | None:
        settings = self._settings
        verifier = Verifier(
            self.plane.state,
            self._clock,
            account_id=settings.inventory.account_id,
            default_region=settings.inventory.region,
            anonymous=settings.control.anonymous,
        )
        dispatcher = Dispatcher(self.services(), verifier, self.plane.permissions, self._clock)
        try:
            endpoint = AwsEndpoint(dispatcher, settings.api)
            return ApiServer(endpoint, settings.api, on_thread=on_thread)
        except SettingsError as error:
            if must_serve or settings.api.port is not None:
                raise
            # A namespace without loopback is still worth metering.
            self.no_endpoint = str(error)
            return None

    def _make_console(
        self, on_thread: Callable[[], None], must_serve: bool
    ) -> ConsoleService | None:
        settings = self._settings
        if not settings.console.enabled:
            return None
        try:
            return ConsoleService(
                settings,
                self.plane,
                self.log_groups,
                self._clock,
                recent=self.recent,
                root_key_id=self.root_key.access_key_id,
                status=self.status,
                deliveries=self.delivery.progress.state.all,
                on_thread=on_thread,
            )
        except SettingsError as error:
            if must_serve or settings.console.port is not None:
                if self._server is not None:
                    self._server.stop()
                raise
            self.no_console = str(error)
            return None

    def _make_delivery(self) -> DeliveryService:
        plans = DeliveryPlans(self.plane)
        return DeliveryService(
            self._settings.folder.root / DELIVERY_FOLDER,
            self._settings.deliver,
            self._clock,
            plans=plans.plans,
            gate=plans.gate,
            on_status=plans.on_status,
            log_groups=LogGroupDeliveries(self.log_groups, self._filters),
            objects=BucketsHereAndElsewhere(self._settings, self.plane.buckets, self.objects),
            firehose=self._streams,
        )

    def _warm_up(self, stop: threading.Event) -> None:
        """So that the first page of log events need not wait for kernels."""
        if not self._clock.wait(stop, WARM_UP_AFTER_S):
            self._reader.warm_up()

    def _run(self, first: Callable[[], None], target: Callable[[threading.Event], None]) -> None:
        try:
            first()
            target(self._stop)
        except BaseException as error:  # noqa: BLE001 - whoever runs us looks at it
            _LOG.exception("a thread has ended", thread=threading.current_thread().name)
            self._ended.append(error)


def _root_key(settings: Settings, state: State) -> RootKey:
    return seed_root_key(
        state,
        settings.inventory.account_id,
        os.environ.get(ROOT_ACCESS_KEY_ID_VARIABLE),
        os.environ.get(ROOT_SECRET_ACCESS_KEY_VARIABLE),
    )
