"""Makes the pictures of the console that the README and the manual show, into docs/images.

By hand: `.venv/bin/python scripts/make_screenshots.py`. As root they are of the lab's real packets,
else of generated records. Needs Chromium (scripts/test_packages.sh) and the built pages (make).
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, expect, sync_playwright

from vpcflow.lab.testbed.lab import Lab

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1600, 1000
#: A picture larger than this makes the repository heavy. Units: bytes.
IMAGE_BYTES_MAX = 300_000
#: Colours of a picture, most first; the next are tried while it is too large.
COLOURS = (256, 128, 64)
PAGE_MS_MAX = 60_000
#: How long the lab's traffic runs before the first picture: charts have a point a minute. Units: seconds.
TRAFFIC_S = 1_200.0
LAB_SPEED = 3.0
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
_PROGRAM = str(Path(sys.executable).with_name("vpcflow"))


@contextmanager
def served(data: Path, *options: str) -> Iterator[str]:
    """The console over a data folder; the address that signs in."""
    ports = ("--port", "0", "--console-port", "0")
    process = subprocess.Popen(
        [_PROGRAM, "--data", str(data), "run", *ports, *options],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "VPCFLOW_INVENTORY__OWN_NAMESPACE": "false"},
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("  console "):
                yield line.split()[1]
                return
        raise SystemExit("vpcflow run ended before it served")
    finally:
        process.terminate()
        process.communicate()


def another_link(data: Path) -> str:
    """An address that signs in to the server which runs on a data folder."""
    asked = [_PROGRAM, "--data", str(data), "console"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


def sample(data: Path) -> None:
    """A data folder with generated records."""
    logs = data.with_name("logs")
    for arguments in (
        ("sample", str(logs), "--records", "300000"),
        ("ingest", str(logs / "AWSLogs")),
    ):
        subprocess.run([_PROGRAM, "--data", str(data), *arguments], check=True)


def drawn(page: Page, path: str) -> Page:
    """The page at a path, once everything on it is there."""
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return complete(page)


def complete(page: Page) -> Page:
    """The page once it has asked and drawn everything."""
    if "/live" not in page.url:
        page.wait_for_load_state("networkidle")
    expect(page.locator(".page-loading, .skeleton, [aria-busy=true]")).to_have_count(0)
    return page


def fill_wizard(page: Page) -> None:
    """Chooses a VPC and a log group, so that volume and price are shown."""
    page.get_by_role("checkbox").first.check()
    page.get_by_role("combobox", name="Log group", exact=True).fill("/vpc/flows")
    page.keyboard.press("Tab")
    expect(page.get_by_role("region", name="Volume and price")).to_be_visible()
    complete(page)
    page.mouse.move(0, 0)
    page.evaluate("window.scrollTo(0, 0)")


def open_group(page: Page) -> None:
    """Goes from the list of security groups to the first one."""
    page.locator("main, #main").get_by_text(re.compile(r"^sg-\w+")).first.click()
    expect(page).to_have_url(re.compile(r"/security-groups/sg-"))
    expect(page.get_by_role("table").first).to_be_visible()
    complete(page)


#: Gives the pixels of a picture, four bytes each, to whom has no library to read it.
PIXELS_OF = """async (png) => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const drawing = canvas.getContext("2d");
  drawing.drawImage(bitmap, 0, 0);
  const { data } = drawing.getImageData(0, 0, bitmap.width, bitmap.height);
  let text = "";
  for (let at = 0; at < data.length; at += 32768)
    text += String.fromCharCode(...data.subarray(at, at + 32768));
  return btoa(text);
}"""


def with_few_colours(pixels: np.ndarray, most: int) -> bytes:
    """A PNG of the most frequent colours and of those unlike them; others become the nearest one.

    Shape: ``pixels`` is height by width by 3 bytes.
    """
    height, width, _ = pixels.shape
    parts = pixels.reshape(-1, 3).astype(np.uint32)
    packed = (parts[:, 0] << 16) | (parts[:, 1] << 8) | parts[:, 2]
    colours, place, counts = np.unique(packed, return_inverse=True, return_counts=True)
    known = np.stack([(colours >> shift) & 255 for shift in (16, 8, 0)], axis=1).astype(np.int64)
    palette = known[np.argsort(-counts)[: most // 2]]
    far = np.min([((known - one) ** 2).sum(axis=1) for one in palette], axis=0)
    for _ in range(most - len(palette)):
        # A rare colour, such as that of a small mark, is kept when nothing is like it.
        palette = np.vstack([palette, known[np.argmax(far)]])
        far = np.minimum(far, ((known - palette[-1]) ** 2).sum(axis=1))
    square = (palette**2).sum(axis=1)
    nearest = np.concatenate(
        [
            np.argmin(square - 2 * (part @ palette.T), axis=1)
            for part in np.array_split(known, max(1, len(known) // 4_096))
        ]
    ).astype(np.uint8)
    rows = nearest[place].reshape(height, width)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()

    def chunk(name: bytes, body: bytes) -> bytes:
        sum_of = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", sum_of)

    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", palette.astype(np.uint8).tobytes()),
            chunk(b"IDAT", zlib.compress(lines, 9)),
            chunk(b"IEND", b""),
        )
    )


def save(page: Page, name: str) -> None:
    """A picture with few colours, so that it is small. Errors: SystemExit when it stays large."""
    shot = page.screenshot()
    # A page of its own: that of the console loads nothing but its own.
    reader = page.context.browser.new_page()  # type: ignore[union-attr]
    raw = base64.b64decode(reader.evaluate(PIXELS_OF, base64.b64encode(shot).decode()))
    reader.close()
    pixels = np.frombuffer(raw, np.uint8).reshape(HEIGHT, WIDTH, 4)[:, :, :3]
    path = IMAGES / f"console-{name}.png"
    for colours in COLOURS:
        path.write_bytes(with_few_colours(pixels, colours))
        if path.stat().st_size <= IMAGE_BYTES_MAX:
            break
    else:
        raise SystemExit(f"{path} has {path.stat().st_size} bytes")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


def take(browser: Browser, link: str, span: str, theme: str, names: list[str]) -> None:
    """All pictures of one theme, signed in by a link."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        reduced_motion="reduce",
        color_scheme=theme,  # type: ignore[arg-type]
        base_url=link.partition("/sign-in/")[0],
    )
    context.set_default_timeout(PAGE_MS_MAX)
    page = context.new_page()
    page.goto(link)
    for name in names:
        match name:
            case "explore":
                drawn(page, f"/explore?{span}&filter=action%20%3D%20REJECT")
                page.get_by_role("button", name="Rejected: open the record").first.click()
                expect(page.get_by_role("list", name="Stations on the way")).to_be_visible()
                complete(page)
            case "security-group":
                open_group(drawn(page, "/security-groups"))
            case "flow-log-wizard":
                fill_wizard(drawn(page, "/flow-logs/new"))
            case "live":
                drawn(page, "/live")
                expect(page.get_by_role("gridcell").first).to_be_visible()
            case "topology":
                drawn(page, f"/topology?{span}")
            case _:
                drawn(page, f"/dashboards/overview?{span}")
        save(page, name)
    context.close()


def main() -> None:
    """Starts what is pictured, opens it, and ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=TRAFFIC_S, help="of traffic in the lab")
    parser.add_argument(
        "--data", type=Path, help="folder of a lab that runs and is metered already"
    )
    chosen = parser.parse_args()
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("Chromium is missing: scripts/test_packages.sh installs it")
    IMAGES.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PAGE_MS_MAX)
    names = ["explore", "topology"]
    of_the_lab = [*names, "security-group", "flow-log-wizard", "live"]
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        if chosen.data:
            data, names, span = chosen.data, of_the_lab, "last=1h"
            link = another_link(data)
        elif os.geteuid() == 0:
            names = of_the_lab
            lab = stack.enter_context(Lab.start(data / "lab"))
            link = stack.enter_context(served(data, "--lab", "--interval", "5"))
            lab.start_traffic(speed=LAB_SPEED)
            begun = int(time.time())
            time.sleep(chosen.seconds)
            span = f"start={begun}&end={int(time.time())}"
        else:
            sample(data)
            span = "last=2d"
            link = stack.enter_context(served(data, "--no-capture"))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        take(browser, link, span, "light", ["overview-light", *names])
        take(browser, another_link(data), span, "dark", ["overview-dark"])
        browser.close()


if __name__ == "__main__":
    main()
