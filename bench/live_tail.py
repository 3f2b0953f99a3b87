"""The live tail in Chromium: ``live_tail.py FOLDER RECORDS_A_SECOND SECONDS``.

Counts records that were missed or came twice, through a kill of the server in the middle, and how
well the page answers meanwhile: long tasks of its thread, frames, memory. Prints JSON.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-precise-memory-info",
]
BATCH_MS = 1_000
LONG_TASK_MS = 50
#: Watches what the page reads, without a second reading of its JSON, and how its thread fares.
WATCH = """
window.seen = {numbers: 0, next: null, first: null, missed: 0, twice: 0, gaps: 0, opened: 0};
window.tasks = []; window.frames = [];
new PerformanceObserver(list => {
  for (const one of list.getEntries()) window.tasks.push(one.duration);
}).observe({type: 'longtask'});
let last = performance.now();
const frame = now => { window.frames.push(now - last); last = now; requestAnimationFrame(frame); };
requestAnimationFrame(frame);
const ours = window.fetch;
window.fetch = async (...given) => {
  const response = await ours(...given);
  if (!String(given[0]).includes('/live?') || !response.ok) return response;
  window.seen.opened += 1;
  let rest = '';
  const decoder = new TextDecoder();
  const look = new TransformStream({transform(chunk, out) {
    rest += decoder.decode(chunk, {stream: true});
    for (let end = rest.indexOf('\\n\\n'); end >= 0; end = rest.indexOf('\\n\\n')) {
      const event = rest.slice(0, end);
      rest = rest.slice(end + 2);
      if (event.startsWith('event: gap')) window.seen.gaps += 1;
      const found = /"bytes":\\[([^\\]]*)\\]/.exec(event);
      if (!found) continue;
      for (const text of found[1].split(',')) {
        const number = Number(text), next = window.seen.next;
        if (next === null) window.seen.first = number;
        else if (number > next) window.seen.missed += number - next;
        else if (number < next) { window.seen.twice += 1; continue; }
        window.seen.next = number + 1;
        window.seen.numbers += 1;
      }
    }
    out.enqueue(chunk);
  }});
  return new Response(response.body.pipeThrough(look), response);
};
"""


class Server:
    """The console's process, which may be killed and started again at the same port."""

    def __init__(self, folder: Path, rate: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        script = Path(__file__).with_name("live_tail_server.py")
        arguments = [folder / "data", port, rate, BATCH_MS]
        self._command = [sys.executable, str(script), *map(str, arguments)]
        self.link = ""
        self.start()

    def start(self) -> None:
        """Starts it and waits for its link."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.link = self._process.stdout.readline().strip()
        if not self.link:
            raise SystemExit("the server did not start")

    def kill(self) -> None:
        """Ends it as a crash does."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()


def facts(page: Page) -> dict[str, Any]:
    """What the page read and how its thread fared since the last look."""
    return dict(
        page.evaluate(
            "() => { const f = window.frames.splice(0), t = window.tasks.splice(0);"
            "return {...window.seen, frames: f.length, frame_ms_max: Math.max(...f),"
            "frames_over_100_ms: f.filter(one => one > 100).length,"
            "long_tasks: t.length, long_task_ms_max: Math.max(0, ...t),"
            "long_tasks_ms: t.reduce((a, b) => a + b, 0),"
            "heap_bytes: performance.memory.usedJSHeapSize}; }"
        )
    )


def rows_in_table(page: Page, folder: Path) -> list[int]:
    """Numbers of all rows of the table, from its own CSV."""
    page.get_by_role("button", name="More").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Download the rows as CSV").click()
    path = folder / "rows.csv"
    download.value.save_as(path)
    with path.open(newline="") as lines:
        return [int(row["bytes"]) for row in csv.DictReader(lines)]


def click_ms(page: Page) -> float:
    """How long the page takes to pause and go on, each drawn."""
    begun = time.perf_counter()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Pause").wait_for()
    return (time.perf_counter() - begun) * 1_000 / 2


def main(folder: str, rate: str, seconds: str) -> None:
    """Prints what was missed, and how the page fared."""
    root = Path(folder)
    server = Server(root, int(rate))
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.add_init_script(WATCH)
        page.goto(server.link)
        page.goto(f"{server.link.split('/sign-in')[0]}/live?rate=20000")
        page.get_by_role("grid").wait_for()
        begun = facts(page)
        clicks = []
        for _ in range(4):
            page.wait_for_timeout(int(seconds) * 250)
            clicks.append(round(click_ms(page)))
        steady = facts(page)
        server.kill()
        page.get_by_text("Reconnecting in").wait_for()
        server.start()
        page.get_by_text("Live", exact=True).wait_for()
        page.wait_for_timeout(5_000)
        after = facts(page)
        rows = rows_in_table(page, root)
        browser.close()
    server.kill()
    whole = [number + 1 for number in rows[1:]] == rows[:-1]
    report = {
        "seconds": int(seconds),
        "records": steady["numbers"] - begun["numbers"],
        "records_in_all": after["numbers"],
        "connections": after["opened"],
        "missed": after["missed"],
        "twice": after["twice"],
        "gaps": after["gaps"],
        "rows_in_table": len(rows),
        "rows_without_gap": whole,
        "page_faults": faults,
        "click_ms": clicks,
        "heap_bytes_begun": begun["heap_bytes"],
        **{name: value for name, value in steady.items() if name not in begun or "_" in name},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
