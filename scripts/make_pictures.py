"""Draws the README's picture: the real overview of a sample, as a terminal shows it."""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from vpcflow.app import answer_page
from vpcflow.app.ingest import Ingest
from vpcflow.app.settings import Settings
from vpcflow.collect.files import FileSource
from vpcflow.lab.sample.settings import SampleSettings
from vpcflow.lab.sample.write import write_sample
from vpcflow.query.service import FlowQueries

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "overview.svg"
WIDTH = 118
THEME = TerminalTheme(
    (16, 20, 28),
    (214, 220, 230),
    [(60, 66, 80), (224, 92, 92), (92, 190, 120), (222, 184, 90),
     (96, 150, 230), (186, 120, 210), (90, 190, 205), (214, 220, 230)],
)  # fmt: skip


def main() -> None:
    """Make a sample, take it in, ask for the overview, write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder) / "data")
        write_sample(Path(folder) / "logs", SampleSettings(records=300_000, version=5))
        with settings.folder.writer_lock(), Ingest(settings) as run:
            run.run([FileSource([Path(folder) / "logs" / "AWSLogs"])])
        answer = FlowQueries(settings.folder).ask("overview", {"limit": 4})
    console = Console(
        width=WIDTH, record=True, force_terminal=True, highlight=False, file=io.StringIO()
    )
    answer_page.make_console = lambda: console  # type: ignore[assignment]
    console.print("[bold]$ vpcflow overview[/bold]\n")
    answer_page.print_answer(answer, None, measure="bytes")
    picture = console.export_svg(title="vpcflow", theme=THEME)
    # The picture asks nobody for fonts.
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture.replace("Fira Code, monospace", "monospace"), encoding="utf-8")


if __name__ == "__main__":
    main()
