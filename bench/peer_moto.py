"""moto's server with many flow logs: ``peer_moto.py FLOW_LOGS``; says its port when it listens."""

from __future__ import annotations

import sys

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.ec2.models.flow_logs import FlowLogs
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
    "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
)


def main(count: int) -> None:
    """Fill the backend, as its CreateFlowLogs does but for the search that each one makes, and serve."""
    backend = ec2_backends[DEFAULT_ACCOUNT_ID][REGION]
    vpc = next(iter(backend.vpcs.values()))
    role = f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/flow-logs"
    for number in range(count):
        flow_log_id = f"fl-{number:017x}"
        backend.flow_logs[flow_log_id] = FlowLogs(
            backend,
            flow_log_id,
            vpc.id,
            "ALL",
            None,
            f"group-{number}",
            role,
            600,
            "cloud-watch-logs",
            FORMAT,
            "SUCCESS",
            None,
        )
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
