"""``vpcflow query SQL``."""

from __future__ import annotations

import sys

import click

from vpcflow.app.cli.context import output_options, settings_of


@click.command()
@click.argument("sql")
@output_options
@click.pass_context
def query(ctx: click.Context, sql: str, output: str | None) -> None:
    """Ask in SQL over the view flow_records.

    SQL is one SELECT; - reads it from standard input. Columns are AWS's field names with _ for -,
    addresses are text: SELECT srcaddr, sum(bytes) FROM flow_records WHERE dstaddr << '10.0.0.0/8'
    AND last('1h') GROUP BY srcaddr ORDER BY 2 DESC LIMIT 10. See docs/reference/sql.md.
    """
    from vpcflow.app.answer_page import print_answer
    from vpcflow.query.service import FlowQueries

    settings = settings_of(ctx)
    text = sys.stdin.read() if sql == "-" else sql
    print_answer(FlowQueries(settings.folder, settings.query).sql(text), output)
