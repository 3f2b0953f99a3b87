"""Aim: the endpoint on PostgreSQL is the endpoint. Method: the server over it, a restart, boto3."""

from __future__ import annotations

from pathlib import Path

from aws_endpoint import ACCOUNT_ID, AwsServer


def test_flow_logs_and_log_groups_live_through_a_restart(tmp_path: Path, postgres_url: str) -> None:
    environment = {"VPCFLOW_CONTROL__DATABASE_URL": postgres_url}
    with AwsServer(tmp_path, "--no-capture", environment=environment) as server:
        ec2, logs = server.client("ec2"), server.client("logs")
        vpc_id = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        logs.create_log_group(logGroupName="kept")
        logs.create_log_stream(logGroupName="kept", logStreamName="notes")
        server.client("s3").create_bucket(Bucket="kept-on-postgres")
        made = ec2.create_flow_logs(
            ResourceIds=[vpc_id],
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="s3",
            LogDestination="arn:aws:s3:::kept-on-postgres",
        )
        assert made["Unsuccessful"] == []
        server.stop()
    with AwsServer(tmp_path, "--no-capture", environment=environment) as server:
        (flow_log,) = server.client("ec2").describe_flow_logs()["FlowLogs"]
        assert [flow_log["FlowLogId"]] == made["FlowLogIds"]
        streams = server.client("logs").describe_log_streams(logGroupName="kept")["logStreams"]
        assert [stream["logStreamName"] for stream in streams] == ["notes"]
        identity = server.client("sts").get_caller_identity()
        assert identity["Account"] == ACCOUNT_ID
        assert not (tmp_path / "control.sqlite").exists()
