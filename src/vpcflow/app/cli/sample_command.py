"""``vpcflow sample FOLDER``."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--records", default=200_000, show_default=True, help="About how many records.")
@click.option("--days", default=2.0, show_default=True, help="Over how many days.")
@click.option("--end", metavar="TIME", help="When the sample ends, ISO 8601 UTC.  [default: now]")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same bytes.")
@click.option(
    "--version", type=click.Choice(["2", "5"]), default="5", show_default=True, help="Log format."
)
@click.option("--interval", "interval_s", default=60, show_default=True, help="60 or 600 seconds.")
@click.option("--force", is_flag=True, help="Write over an older sample.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with the report.")
def sample(folder: Path, as_json: bool, **options: object) -> None:
    """Write generated flow logs, for tutorials and tests.

    FOLDER gets an AWSLogs tree as AWS writes it, and a README.txt that says it is generated.
    """
    from vpcflow.app.sample_run import run_sample

    report = run_sample(folder, **options)  # type: ignore[arg-type]
    if as_json:
        click.echo(json.dumps(report))
        return
    click.echo(
        f"wrote {report['records']:,} generated records in {report['files']:,} files, "
        f"{report['bytes'] / 1e6:,.1f} MB, to {folder}"
    )
