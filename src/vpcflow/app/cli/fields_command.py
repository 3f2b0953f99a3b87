"""``vpcflow fields``: the registry, in the terminal."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a field.")
def fields(name: str | None, as_json: bool) -> None:
    """The fields of a flow record and what they mean.

    With NAME, everything that is known of that field.
    """
    from dataclasses import asdict

    from vpcflow.base.errors import ResourceError
    from vpcflow.record.fields import FIELDS

    chosen = [spec for spec in FIELDS if name is None or name in (spec.name, spec.column)]
    if not chosen:
        raise ResourceError(
            "no such field", where=str(name), hint="`vpcflow fields` lists all of them"
        )
    for spec in chosen:
        facts = asdict(spec) | {"resources": sorted(spec.resources), "column": spec.column}
        if as_json:
            click.echo(json.dumps(facts))
        elif name is None:
            version = f"v{spec.since_version}" if spec.since_version else "own"
            click.echo(f"{spec.name:28} {version:4} {spec.kind.value:8} {spec.summary}")
        else:
            for key, value in facts.items():
                if value not in ("", None, ()):
                    shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
                    click.echo(f"{key.replace('_', ' '):14} {shown}")
