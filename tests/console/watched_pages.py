"""Pages of a real browser that are watched: what goes wrong in one fails its test."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
)
from served_console import ROOT_KEY, ConsoleServer, Key

#: Chromium of Debian, without what it would ask of its maker by itself.
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: The longest that a page may take for anything; a bound, not a wait.
PAGE_MS_MAX = 30_000
#: The longest that panels may take to find their place when the window is made narrow.
LAYOUT_MS_MAX = 5_000
_SIDEWAYS = """async (most) => {
  const root = document.documentElement;
  const over = () => root.scrollWidth - root.clientWidth;
  const until = performance.now() + most;
  const frame = () => new Promise(requestAnimationFrame);
  // The width is told to the panels in the first frame, and they are drawn in the second.
  for (let count = 0; count < 3 || (over() > 0 && performance.now() < until); count += 1)
    await frame();
  return over();
}"""
WIDTH, HEIGHT = 1600, 1000
#: Addresses that stay within the browser.
_OWN_SCHEMES = ("data", "blob", "about")


class Visits:
    """Opens pages, and remembers all that goes wrong in them until the test ends."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._wrong: list[str] = []
        self._expected: dict[str, bool] = {}

    def open(
        self,
        server: ConsoleServer,
        path: str = "",
        *,
        key: Key | None = ROOT_KEY,
        theme: str = "light",
        width: int = WIDTH,
        height: int = HEIGHT,
    ) -> Page:
        """A page in a browser of its own, signed in unless ``key`` is None."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
            color_scheme=theme,  # type: ignore[arg-type]
            permissions=["clipboard-read", "clipboard-write"],
            base_url=server.origin,
        )
        context.set_default_timeout(PAGE_MS_MAX)
        if key is not None:
            context.add_cookies([server.cookie(key)])  # type: ignore[list-item]
        self._contexts.append(context)
        return self._watched(context.new_page(), server.origin, path)

    def beside(self, page: Page, path: str) -> Page:
        """Another tab of the same browser."""
        parts = urlsplit(page.url)
        return self._watched(page.context.new_page(), f"{parts.scheme}://{parts.netloc}", path)

    def expect_wrong(self, pattern: str) -> None:
        """Something that this test provokes; it must come, else the test fails."""
        self._expected[pattern] = False

    def end(self) -> None:
        """Close all. Errors: AssertionError with what nobody expected."""
        for context in self._contexts:
            context.close()
        unexpected = [what for what in self._wrong if not self._is_expected(what)]
        assert not unexpected, "\n".join(unexpected)
        missing = [pattern for pattern, came in self._expected.items() if not came]
        assert not missing, f"expected, but it did not come: {missing}"

    def _watched(self, page: Page, origin: str, path: str) -> Page:
        def on_console(message: ConsoleMessage) -> None:
            # Answers with an error are told of below, with what they answered.
            if (
                message.type in ("error", "warning")
                and "Failed to load resource" not in message.text
            ):
                self._wrong.append(f"console {message.type}: {message.text} ({page.url})")

        def on_request(request: Request) -> None:
            parts = urlsplit(request.url)
            if parts.scheme not in _OWN_SCHEMES and f"{parts.scheme}://{parts.netloc}" != origin:
                self._wrong.append(f"foreign request: {request.url} ({page.url})")

        def on_failed(request: Request) -> None:
            # A page that is left takes its questions back.
            if request.failure != "net::ERR_ABORTED":
                self._wrong.append(f"failed request: {request.url} {request.failure} ({page.url})")

        def on_response(response: Response) -> None:
            if response.status >= 400:
                request = response.request
                self._wrong.append(
                    f"answer {response.status}: {request.method} {request.url} ({page.url})"
                )

        page.on("console", on_console)
        page.on("pageerror", lambda e: self._wrong.append(f"page error: {e} ({page.url})"))
        page.on("request", on_request)
        page.on("requestfailed", on_failed)
        page.on("response", on_response)
        if path:
            page.goto(path)
        return page

    def _is_expected(self, what: str) -> bool:
        found = [pattern for pattern in self._expected if re.search(pattern, what)]
        for pattern in found:
            self._expected[pattern] = True
        return bool(found)


def settled(page: Page) -> Page:
    """The page once it has asked and drawn everything."""
    page.wait_for_load_state("networkidle")
    expect(page.locator(".page-loading, .skeleton, [aria-busy=true]")).to_have_count(0)
    return page


def axe_faults(page: Page) -> list[str]:
    """What axe finds wrong, a line for each place."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:200]}"
        for violation in found
        for node in violation["nodes"]
    ]


def sideways(page: Page) -> int:
    """How far the page can be scrolled to the side, once its panels have their new width.

    Units: CSS pixels.
    """
    return int(page.evaluate(_SIDEWAYS, LAYOUT_MS_MAX))
