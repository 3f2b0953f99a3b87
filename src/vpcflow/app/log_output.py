"""Where the running system's log goes: standard error, one line an event, no secrets."""

from __future__ import annotations

import sys

import structlog


def log_to_stderr() -> None:
    """Write the log to standard error.

    Shape: a traceback has no local variables: they hold keys and what clients sent.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
