"""The tree of errors, by who must act.

* FlowLogError
  x SettingsError        the person who wrote a setting, an option or an environment variable
  x RecordError          the maker of a line, a batch or a log format
    + FormatError        a log format string, with the position of the fault
  x CollectError         the keeper of a file, folder or bucket that cannot be read
  x CaptureError         the owner of an interface or of a permission
  x DeliveryError        the owner of a destination
  x StoreError           the owner of the data folder and its disk
    + BusyError          another process is writing: wait, or stop it
  x QueryError           the person who asks
    + FilterError        a filter or a query, with the position of the fault
    + LimitError         the question is larger than a bound that the settings name
    + StoppedError       nobody waits for the answer any more
  x ResourceError        the caller who names something that does not exist
    + ServiceError       the caller of the API: a code and a message as AWS words them
"""

from __future__ import annotations

from collections.abc import Mapping


class FlowLogError(Exception):
    """A fault that a person can act on: what is wrong, where, and what to do.

    Shape: ``what`` is one sentence, ``where`` a file, position or name, ``hint`` the next step.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(": ".join(part for part in (where, what) if part))


class SettingsError(FlowLogError):
    """A setting, option or environment variable is wrong."""

    exit_code = 3


class RecordError(FlowLogError):
    """A line, batch or log format cannot be understood."""

    exit_code = 4


class FormatError(RecordError):
    """A log format string is wrong at ``position`` (0-based character)."""

    def __init__(self, what: str, *, text: str, position: int, hint: str = "") -> None:
        self.text = text
        self.position = position
        super().__init__(what, where=f"log format, character {position + 1}", hint=hint)


class CollectError(FlowLogError):
    """A file, folder or bucket cannot be read."""

    exit_code = 5


class CaptureError(FlowLogError):
    """An interface, a permission or the kernel said no."""

    exit_code = 6


class DeliveryError(FlowLogError):
    """A destination refused."""

    exit_code = 7


class StoreError(FlowLogError):
    """The data folder, its table or its disk said no."""

    exit_code = 8


class BusyError(StoreError):
    """Another process holds the writer's lock of the data folder."""

    exit_code = 9


class QueryError(FlowLogError):
    """A question cannot be answered as it was asked."""

    exit_code = 10


class FilterError(QueryError):
    """A filter or query is wrong at ``position`` (0-based character) of ``text``."""

    def __init__(self, what: str, *, text: str, position: int, hint: str = "") -> None:
        self.text = text
        self.position = position
        super().__init__(what, where=f"character {position + 1}", hint=hint)

    def pointed(self) -> str:
        """The text with a caret under the fault, on two lines."""
        line_start = self.text.rfind("\n", 0, self.position) + 1
        line_end = self.text.find("\n", self.position)
        line = self.text[line_start : line_end if line_end >= 0 else None]
        return f"{line}\n{' ' * (self.position - line_start)}^"


class LimitError(QueryError):
    """A bound on rows, memory or time ended a question; the hint names the setting."""

    exit_code = 11


class StoppedError(QueryError):
    """A question was stopped by its asker, or because its asker has gone."""


class ResourceError(FlowLogError):
    """Something that was named does not exist."""

    exit_code = 12


class ServiceError(ResourceError):
    """A refusal of the API, as AWS words it.

    Shape: ``code`` is AWS's error code, ``status`` the HTTP status, ``fields`` more members of the
    answer (S3's ``BucketName`` and the like).
    """

    def __init__(
        self, code: str, message: str, *, status: int = 400, fields: Mapping[str, str] | None = None
    ) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.fields = dict(fields or {})
        super().__init__(message)
