"""Columns of the three rollups that lie beside each data file, for writers and readers alike.

All are pure functions of one data file. A question may read one in place of the file: the hourly
one where its range covers whole hours, the traffic where it covers whole periods of five minutes, the
conversations where it covers whole periods of six hours. The same dimensions may stand in several rows of a rollup: sum them. Sums are null where no record of the row
has a value; the columns ending in ``_nulls`` say how many records have none.
"""

from __future__ import annotations

import pyarrow as pa

from vpcflow.record.field_spec import ADDRESS_TYPE

#: Records are taken to cover an hour at most: AWS's windows are 10 minutes.
COVER_S_MAX = 3_600

#: What hourly rows are grouped by. ``hour`` is in seconds since the epoch, null without a start;
#: ``scope`` says whether an end is on the internet, see address_scope, null where an end is unknown.
HOUR_DIMENSIONS = (
    "hour",
    "account_id",
    "interface_id",
    "action",
    "flow_direction",
    "log_status",
    "direction",
    "protocol",
    "scope",
)

#: ``minutes_seen``: bit m is set where a record of the row, from its start to its end, touches
#: minute m of the hour; ``minutes_next`` says the same of the hour after. A record that says no end,
#: or one before its start, touches the minute of its start; longer than COVER_S_MAX is not believed.
#: Both are 0 without a start.
HOUR_SCHEMA = pa.schema(
    [
        ("hour", pa.int64()),
        ("account_id", pa.string()),
        ("interface_id", pa.string()),
        ("action", pa.string()),
        ("flow_direction", pa.string()),
        ("log_status", pa.string()),
        ("direction", pa.int32()),
        ("protocol", pa.int32()),
        ("scope", pa.int32()),
        ("records", pa.int64()),
        ("packets", pa.int64()),
        ("packets_nulls", pa.int64()),
        ("bytes", pa.int64()),
        ("bytes_nulls", pa.int64()),
        ("first_start", pa.int64()),
        ("last_end", pa.int64()),
        ("minutes_seen", pa.int64()),
        ("minutes_next", pa.int64()),
    ]
)

#: Width of the periods of traffic.
TRAFFIC_PERIOD_S = 300
#: What traffic is grouped by. ``start`` is the start of a period, null without a start.
TRAFFIC_DIMENSIONS = (
    "start",
    "account_id",
    "action",
    "flow_direction",
    "log_status",
    "direction",
    "protocol",
    "scope",
)
TRAFFIC_SCHEMA = pa.schema(
    [
        ("start", pa.int64()),
        ("account_id", pa.string()),
        ("action", pa.string()),
        ("flow_direction", pa.string()),
        ("log_status", pa.string()),
        ("direction", pa.int32()),
        ("protocol", pa.int32()),
        ("scope", pa.int32()),
        ("records", pa.int64()),
        ("packets", pa.int64()),
        ("packets_nulls", pa.int64()),
        ("bytes", pa.int64()),
        ("bytes_nulls", pa.int64()),
    ]
)

#: Width of the periods of conversations. By hour there would be a third more rows to keep and to read,
#: which is as slow as reading the records of the two periods that a range cuts.
CONVERSATION_PERIOD_S = 6 * 3_600
#: What the rows of conversations are grouped by. ``start`` is the start of a period; ``dst_port`` is the destination's port where the
#: action is REJECT, null elsewhere; the other names are those of the stored table.
CONVERSATION_DIMENSIONS = (
    "start",
    "host",
    "peer",
    "direction",
    "lo_port",
    "dst_port",
    "protocol",
    "action",
    "account_id",
    "interface_id",
    "reject_rule",
)

#: In order of start, host, lo_port and peer, as far as the rows were grouped together.
CONVERSATION_SCHEMA = pa.schema(
    [
        ("start", pa.int64()),
        ("host", ADDRESS_TYPE),
        ("peer", ADDRESS_TYPE),
        ("direction", pa.int32()),
        ("lo_port", pa.int32()),
        ("dst_port", pa.int32()),
        ("protocol", pa.int32()),
        ("action", pa.string()),
        ("account_id", pa.string()),
        ("interface_id", pa.string()),
        ("reject_rule", pa.string()),
        ("records", pa.int64()),
        ("bytes", pa.int64()),
        ("bytes_nulls", pa.int64()),
        ("packets", pa.int64()),
        ("packets_nulls", pa.int64()),
        ("first_start", pa.int64()),
        # Null where it equals first_start: of most conversations there is one record.
        ("last_start", pa.int64()),
    ]
)
