"""The console as it runs: its own port, its own thread, and everything that its API asks.

The web framework and the API take half a second to load; that begins when the AWS endpoint has
answered for a moment, or when the first browser comes, which has the page meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from vpcflow.api.rest.sign_in import SignIn
from vpcflow.api.server import WebServer, bind
from vpcflow.base.clock import Clock
from vpcflow.console.late_app import LateApp
from vpcflow.console.settings import DEFAULT_PORT
from vpcflow.console.sign_in_links import SignInLinks, is_loopback

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.app.control_plane import ControlPlane
    from vpcflow.app.settings import Settings
    from vpcflow.control.logs.service import LogGroupService
    from vpcflow.deliver.state import Cursor
    from vpcflow.store.recent_segments import RecentSegments

#: How long the AWS endpoint has the processor for itself when nobody opens the console.
LOAD_AFTER_S = 1.5
#: Answers that are still sent when the server ends, such as live tails.
SHUTDOWN_S = 1


class ConsoleService:
    """Serves the console from ``start`` to ``stop``.

    Shape: ``status`` tells what `vpcflow status` tells; it may be replaced before and while it
    runs. Links that sign in as the account's root are for loopback alone.
    Errors: SettingsError for an address that cannot be had.
    """

    def __init__(
        self,
        settings: Settings,
        plane: ControlPlane,
        log_groups: LogGroupService,
        clock: Clock,
        *,
        recent: RecentSegments,
        root_key_id: str,
        status: Callable[[], dict[str, Any]],
        deliveries: Callable[[], Mapping[str, Cursor]] = dict,
        on_thread: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._plane = plane
        self._log_groups = log_groups
        self._clock = clock
        self._recent = recent
        self._root_key_id = root_key_id
        self.status = status
        self._deliveries = deliveries
        self._end_questions: Callable[[], None] = lambda: None
        console = settings.console
        self._links = SignInLinks(clock) if is_loopback(console.host) else None
        self._server = WebServer(
            bind(console.host, console.port, default=DEFAULT_PORT, part="console"),
            self._load,
            name="vpcflow-console",
            head_timeout_s=console.head_timeout_s,
            connections_max=console.connections_max,
            shutdown_s=SHUTDOWN_S,
            # Whether a proxy is believed is for the sign-in to say, request by request.
            proxy_headers=False,
            on_thread=on_thread,
        )
        self._rest = LateApp(self._load_rest, after_s=LOAD_AFTER_S, on_thread=on_thread)
        self._sign_in = SignIn(
            plane.state,
            clock,
            session_s=console.session_hours * 3_600,
            trust_proxy=console.trust_proxy,
        )

    @property
    def url(self) -> str:
        """Where the console is."""
        return self._server.url

    @property
    def failed(self) -> BaseException | None:
        """What ended the thread that should run until ``stop``."""
        return self._server.failed or self._rest.failed

    def link(self) -> str:
        """An address that signs in once; beyond loopback the console's own, where a key is asked."""
        return self.url + (self._links.make() if self._links is not None else "/")

    def start(self) -> None:
        """Begin to serve."""
        self._server.start()
        self._rest.start()

    def stop(self) -> None:
        """End, whether started or not."""
        self._server.stop()
        self._rest.stop()
        self._end_questions()

    def _load(self) -> Any:
        """The application; its API comes later."""
        from vpcflow.console.app import ConsoleApp
        from vpcflow.console.sign_in_links import SignInPage

        links = None
        if self._links is not None:
            links = SignInPage(self._links, self._sign_in, lambda: self._root_key_id)

        def is_known(scope: Any) -> bool:
            from starlette.requests import Request

            return self._sign_in.session(Request(scope)) is not None

        console = ConsoleApp(self._settings.console, self._rest, links, is_known=is_known)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            # Whoever has a page asks the API next.
            self._rest.hurry()
            await console(scope, receive, send)

        return app

    def _load_rest(self) -> Any:
        from vpcflow.api.rest.app import rest_app

        services = self._services()
        self._end_questions = services.close
        return rest_app(services)

    def _services(self) -> RestServices:
        from vpcflow.api.rest.services import RestServices
        from vpcflow.app.all_rules import AllRules
        from vpcflow.query.service import FlowQueries

        settings, plane = self._settings, self._plane
        rules = AllRules(settings, plane.network.declared_rules)
        return RestServices(
            account_id=settings.inventory.account_id,
            region=settings.inventory.region,
            folder=settings.folder,
            clock=self._clock,
            state=plane.state,
            permissions=plane.permissions,
            signed_in=self._sign_in,
            sign_in=self._sign_in,
            queries=FlowQueries(
                settings.folder, settings.rest.bounded(settings.query), clock=self._clock
            ),
            network=plane.network,
            rules=rules,
            flow_logs=plane.flow_logs,
            log_groups=self._log_groups,
            buckets=plane.buckets,
            deliveries=self._deliveries,
            recent=self._recent,
            status=lambda: self.status(),  # noqa: PLW0108 - it may be replaced
            settings=lambda: shown_settings(settings),
        )


def shown_settings(settings: Settings) -> dict[str, Any]:
    """All settings by dotted name, each with value, default and meaning; passwords are left out."""
    from vpcflow.app.settings_page import list_settings

    return {
        entry.name: {
            "value": _shown(entry.value),
            "default": _shown(entry.default),
            "variable": entry.variable,
            "type": entry.type_name,
            "bounds": entry.bounds,
            "description": entry.description,
        }
        for entry in list_settings(settings)
    }


def _shown(value: Any) -> Any:
    """A value as JSON has it; a URL without its password."""
    if isinstance(value, str) and "://" in value:
        try:
            return make_url(value).render_as_string(hide_password=True)
        except ArgumentError:
            return "(a URL that cannot be read)"
    if isinstance(value, tuple | list | set | frozenset):
        return [_shown(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _shown(one) for name, one in value.items()}
    return value if isinstance(value, str | int | float | bool | None) else str(value)
