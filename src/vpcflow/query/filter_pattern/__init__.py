"""CloudWatch Logs' filter pattern language: terms, JSON events, space-delimited fields."""

from vpcflow.query.filter_pattern.column_mask import column_mask, lines_array
from vpcflow.query.filter_pattern.mask import mask, numbers_at, texts_at
from vpcflow.query.filter_pattern.match import Match, Matcher, matcher
from vpcflow.query.filter_pattern.parse import parse_pattern
from vpcflow.query.filter_pattern.pruning import to_expression
from vpcflow.query.filter_pattern.tree import Pattern

__all__ = [
    "Match",
    "Matcher",
    "Pattern",
    "column_mask",
    "lines_array",
    "mask",
    "matcher",
    "numbers_at",
    "parse_pattern",
    "texts_at",
    "to_expression",
]
