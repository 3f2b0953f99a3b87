"""Who has signed in to the console: a key opens a session, a cookie names it.

A request that changes something also needs the session's CSRF token in a header, which no page of
another origin can read or send.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from vpcflow.api.rest.attempts import Attempts
from vpcflow.base.clock import Clock
from vpcflow.base.errors import ServiceError
from vpcflow.control.identity import AccessKey, TemporaryKey, caller_of, find_key
from vpcflow.control.identity.sessions import ConsoleSessions, csrf_of, has_secret, is_good
from vpcflow.control.state import State

if TYPE_CHECKING:
    from starlette.requests import Request

    from vpcflow.control.caller import Caller

COOKIE_NAME = "vpcflow_session"
CSRF_HEADER = "x-vpcflow-csrf"
SAFE_METHODS = frozenset({"GET", "HEAD"})
#: Cookies of the session's name that are looked at: pages of other ports of this host may set more.
COOKIES_MAX = 4


class Session(NamedTuple):
    """A request's session."""

    token: str
    caller: Caller
    expires_s: float

    @property
    def csrf(self) -> str:
        """What a request that changes something must send in CSRF_HEADER."""
        return csrf_of(self.token)


class TooManyAttempts(ServiceError):  # noqa: N818 - it is an answer, worded as the API's others
    """Somebody tried too often; the field ``retry-after`` says when again."""

    def __init__(self, wait_s: float) -> None:
        again_s = int(wait_s) + 1
        super().__init__(
            "TooManyAttempts",
            f"Too many tries to sign in. Try again in {again_s} s.",
            status=429,
            fields={"retry-after": str(again_s)},
        )


class SignIn:
    """Signs in and out, and says who sends a request.

    Shape: safe for any number of threads. ``trust_proxy`` says whether a proxy's word on how a
    request came counts.
    """

    def __init__(
        self, state: State, clock: Clock, *, session_s: float, trust_proxy: bool = False
    ) -> None:
        self._state = state
        self._clock = clock
        self._sessions = ConsoleSessions(state, clock, lasts_s=session_s)
        self._attempts = Attempts(clock)
        self._session_s = session_s
        self.trust_proxy = trust_proxy

    def caller(self, request: Request) -> Caller:
        """The caller of a request.

        Errors: ServiceError 401 when nobody is signed in, 403 for a CSRF token that is not the
        session's in a request that changes something.
        """
        session = self.session(request)
        if session is None:
            raise ServiceError("NotSignedIn", "Sign in first.", status=401)
        self.check_csrf(request, session)
        return session.caller

    def session(self, request: Request) -> Session | None:
        """The session of a request, if there is one."""
        found = (self.session_of(token) for token in _tokens(request))
        return next((session for session in found if session is not None), None)

    def session_of(self, token: str) -> Session | None:
        """The session of a token, if there is one."""
        found = self._sessions.find(token)
        return None if found is None else Session(token, found.caller, found.expires_s)

    def check_csrf(self, request: Request, session: Session) -> None:
        """Refuse a request that changes something without the session's second token.

        Errors: ServiceError 403.
        """
        if request.method in SAFE_METHODS:
            return
        given = request.headers.get(CSRF_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(session.csrf.encode(), given):
            raise ServiceError(
                "WrongCsrfToken",
                f"The header {CSRF_HEADER} is missing or not this session's; reload the page.",
                status=403,
            )

    def with_key(self, address: str, key_id: str, secret: str, session_token: str) -> str:
        """A new session's token, for whoever knows the secret of a key.

        Errors: ServiceError 401 that does not tell what was wrong, TooManyAttempts.
        """
        wait_s = self._attempts.take(address, key_id)
        if wait_s:
            raise TooManyAttempts(wait_s)
        key = find_key(self._state, key_id)
        if not has_secret(key, secret, session_token) or key is None or not self._is_good(key):
            raise ServiceError(
                "WrongKey",
                "This access key id and secret do not go together, or the key is not active.",
                status=401,
            )
        self._attempts.succeeded(address, key_id)
        return self._sessions.begin(key)

    def as_key(self, key_id: str) -> str | None:
        """A new session's token for a key that needs no proof; None when it is no good key."""
        key = find_key(self._state, key_id)
        return self._sessions.begin(key) if key is not None and self._is_good(key) else None

    def sign_out(self, request: Request) -> None:
        """End the session of a request.

        Errors: ServiceError 403 for a wrong CSRF token.
        """
        session = self.session(request)
        if session is not None:
            self.check_csrf(request, session)
            self._sessions.end(session.token)

    def cookie(self, request: Request, token: str) -> str:
        """The Set-Cookie header that keeps a token in the browser; an empty token removes it."""
        lasts_s = int(self._session_s) if token else 0
        secure = "; Secure" if self.is_encrypted(request) else ""
        return (
            f"{COOKIE_NAME}={token}; Max-Age={lasts_s}; Path=/; HttpOnly; SameSite=Strict{secure}"
        )

    def is_encrypted(self, request: Request) -> bool:
        """Whether the browser came over TLS, as far as we can know."""
        if request.url.scheme == "https":
            return True
        said = request.headers.get("x-forwarded-proto", "")
        return self.trust_proxy and said.rpartition(",")[2].strip().lower() == "https"

    def address_of(self, request: Request) -> str:
        """The address of the client."""
        if self.trust_proxy and (said := request.headers.get("x-forwarded-for", "")):
            return said.rpartition(",")[2].strip()
        return request.client.host if request.client else ""

    def _is_good(self, key: AccessKey | TemporaryKey) -> bool:
        return is_good(key, self._clock.now_s()) and caller_of(self._state, key) is not None


def _tokens(request: Request) -> list[str]:
    """The session cookies of a request, whatever else is in its headers."""
    found: list[str] = []
    for header in request.headers.getlist("cookie"):
        for part in header.split(";"):
            name, _, value = part.strip().partition("=")
            if name == COOKIE_NAME and value and len(found) < COOKIES_MAX:
                found.append(value.strip('"'))
    return found
