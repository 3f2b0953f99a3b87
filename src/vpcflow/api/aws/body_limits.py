"""How large a request body may be, by service."""

from __future__ import annotations

_MIB = 1 << 20
#: Bytes. PutLogEvents takes 1 MiB of messages, which JSON may write with up to six times as many;
#: a Firehose batch of 4 MiB grows by a third in base64.
BODY_BYTES_MAX = {
    "logs": 8 * _MIB,
    "firehose": 8 * _MIB,
    "cloudwatch": 2 * _MIB,
    "ec2": 2 * _MIB,
    "iam": 2 * _MIB,
    "sts": _MIB,
    "s3": 128 * _MIB,
}
#: For a request that names no service.
BODY_BYTES_DEFAULT_MAX = _MIB
