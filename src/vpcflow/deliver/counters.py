"""What delivery counts for Prometheus; labels are few and fixed."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

DELIVERED = Counter(
    "vpcflow_deliver_records", "Flow records that destinations took, by kind", ["destination"]
)
OBJECTS = Counter("vpcflow_deliver_objects", "Objects that were put into buckets")
FAILURES = Counter(
    "vpcflow_deliver_failures", "Deliveries of a flow log that were refused", ["message"]
)
DROPPED = Counter(
    "vpcflow_deliver_dropped_records", "Records that became SKIPDATA because the journal was full"
)
SEGMENTS_LOST = Counter(
    "vpcflow_deliver_lost_segments",
    "Batches that could not be read, or for whose SKIPDATA there was no room",
)
JOURNAL_BYTES = Gauge("vpcflow_deliver_journal_bytes", "Bytes on disk that wait for delivery")
FLOW_LOGS_BEHIND = Gauge(
    "vpcflow_deliver_flow_logs_behind", "Flow logs that do not have everything yet"
)
