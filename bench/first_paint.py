"""First paint and weight of the console's overview in Chromium: ``first_paint.py DATA RUNS``.

Every run is a page of a new browser context, so that nothing is cached and the session is known.
Bytes are what the browser received of scripts, compressed, until no request was open.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from console_users import BASE, console
from signed_load import KEY_ID, SECRET

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PAGE = "/dashboards/overview?last=24h"
WIDTH, HEIGHT = 1600, 1000
_PAINT = """() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null"""
_SCRIPTS = """() => performance.getEntriesByType("resource")
  .filter((one) => new URL(one.name).pathname.endsWith(".js"))
  .map((one) => [one.name, one.encodedBodySize, one.decodedBodySize])"""


def visit(browser: Browser, place: str) -> dict[str, Any]:
    """One cold visit: milliseconds to the first contentful paint, and bytes of its scripts."""
    origin = f"http://{place}"
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    try:
        signed = context.request.post(
            f"{origin}{BASE}/session",
            data={"access_key_id": KEY_ID, "secret_access_key": SECRET},
            headers={"origin": origin},
        )
        if not signed.ok:
            raise RuntimeError(f"the console did not let us in: {signed.status}")
        page = context.new_page()
        page.goto(origin + PAGE)
        page.locator(".panel canvas").first.wait_for()
        page.wait_for_load_state("networkidle")
        scripts = page.evaluate(_SCRIPTS)
        return {
            "paint_ms": page.evaluate(_PAINT),
            "script_bytes": sum(encoded for _, encoded, _ in scripts),
            "script_bytes_plain": sum(decoded for _, _, decoded in scripts),
            "scripts": len(scripts),
        }
    finally:
        context.close()


def main(data: str, runs: str) -> None:
    """Prints every visit as JSON."""
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("Chromium is not installed: scripts/test_packages.sh says how")
    with console(Path(data)) as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        # The first one starts the server's modules and the browser's processes.
        visit(browser, running.place)
        print(json.dumps([visit(browser, running.place) for _ in range(int(runs))]))
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
