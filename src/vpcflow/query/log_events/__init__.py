"""Events of log groups: flow records out of the table as lines, and text events, in one order."""

from vpcflow.query.log_events.events import TIME_MS_MAX, Events, Position
from vpcflow.query.log_events.reader import EventPage, EventQuestion, LogEventReader
from vpcflow.query.log_events.streams import StreamChoice

__all__ = [
    "TIME_MS_MAX",
    "EventPage",
    "EventQuestion",
    "Events",
    "LogEventReader",
    "Position",
    "StreamChoice",
]
