"""Text events that clients put into log groups: durable files that are only appended to."""

from vpcflow.store.event_store.event_store import EventStore
from vpcflow.store.event_store.group_index import TextEvents
from vpcflow.store.event_store_settings import EventStoreSettings

__all__ = ["EventStore", "EventStoreSettings", "TextEvents"]
