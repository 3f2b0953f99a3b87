"""``vpcflow sample FOLDER``."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from vpcflow.base.errors import SettingsError


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--records", default=500_000, show_default=True, help="How many records.")
@click.option("--days", default=2, show_default=True, help="Over how many whole UTC days.")
@click.option(
    "--start", "start_date", metavar="DATE", help="First day.  [default: so that it ends today]"
)
@click.option("--seed", default=1, show_default=True, help="The same choices make the same bytes.")
@click.option("--version", type=click.Choice(["2", "5"]), default="5", show_default=True)
@click.option(
    "--interval", "interval_s", type=click.Choice(["60", "600"]), default="60", show_default=True
)
@click.option("--hosts", type=int, help="Network interfaces.  [default: by the number of records]")
@click.option("--force", is_flag=True, help="Write over an older sample.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with what was written.")
def sample(folder: Path, as_json: bool, force: bool, **chosen: Any) -> None:
    """Write generated flow logs, for tutorials and tests.

    FOLDER gets an AWSLogs tree as AWS writes it, and a README.txt that says that it is generated
    and what is hidden in it: a scan, a brute force, a beacon, an exfiltration.
    """
    from dataclasses import asdict

    from vpcflow.app.progress import Progress
    from vpcflow.lab.sample.write import write_sample

    settings = _settings(chosen)
    with Progress("writing", records_total=settings.records) as progress:
        report = write_sample(
            folder,
            settings,
            force=force,
            on_progress=lambda records, size: progress.update(records=records, bytes_done=size),
        )
    if as_json:
        click.echo(json.dumps(asdict(report)))
        return
    click.echo(
        f"wrote {report.records:,} generated records in {report.files:,} files, "
        f"{report.bytes / 1e6:,.1f} MB, to {folder}"
    )


def _settings(chosen: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    from vpcflow.lab.sample.settings import SampleSettings

    today = datetime.now(UTC).date()
    given = {name: value for name, value in chosen.items() if value is not None}
    given["version"] = int(given["version"])
    given["interval_s"] = int(given["interval_s"])
    given.setdefault("start_date", today - timedelta(days=given["days"]))
    try:
        return SampleSettings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(first["msg"], where=f"--{first['loc'][0]}") from error
