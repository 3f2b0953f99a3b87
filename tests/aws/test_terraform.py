"""Aim: Terraform makes flow logs here as at AWS. Method: the real program and its AWS provider."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from aws_endpoint import AwsServer

CONFIGURATION = """
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  s3_use_path_style       = true
  skip_metadata_api_check = true
}
data "aws_availability_zones" "here" { state = "available" }
resource "aws_vpc" "main" {
  cidr_block           = "10.42.0.0/16"
  enable_dns_hostnames = true
  tags                 = { Name = "main" }
}
resource "aws_subnet" "one" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.42.1.0/24"
  availability_zone = data.aws_availability_zones.here.names[0]
}
resource "aws_security_group" "web" {
  name        = "web"
  description = "the public site"
  vpc_id      = aws_vpc.main.id
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_network_interface" "one" {
  subnet_id       = aws_subnet.one.id
  private_ips     = ["10.42.1.10"]
  security_groups = [aws_security_group.web.id]
}
resource "aws_cloudwatch_log_group" "flows" {
  name              = "flows"
  retention_in_days = 14
  tags              = { team = "network" }
}
resource "aws_cloudwatch_log_stream" "notes" {
  name           = "notes"
  log_group_name = aws_cloudwatch_log_group.flows.name
}
resource "aws_cloudwatch_log_metric_filter" "ssh_rejects" {
  name           = "ssh-rejects"
  log_group_name = aws_cloudwatch_log_group.flows.name
  pattern        = "[version, account, eni, source, destination, srcport, destport=\\"22\\", protocol=\\"6\\", packets, bytes, windowstart, windowend, action=\\"REJECT\\", flowlogstatus]"
  metric_transformation {
    name      = "ssh"
    namespace = "rejects"
    value     = "1"
  }
}
resource "aws_iam_role" "delivery" {
  name = "delivery"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
    }]
  })
}
resource "aws_iam_role_policy" "delivery" {
  name = "delivery"
  role = aws_iam_role.delivery.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
                "logs:DescribeLogGroups", "logs:DescribeLogStreams"]
      Resource = "*"
    }]
  })
}
resource "aws_s3_bucket" "archive" { bucket = "flow-archive" }
resource "aws_flow_log" "vpc" {
  vpc_id          = aws_vpc.main.id
  traffic_type    = "ALL"
  log_destination = aws_cloudwatch_log_group.flows.arn
  iam_role_arn    = aws_iam_role.delivery.arn
  tags            = { Name = "vpc" }
}
resource "aws_flow_log" "interface" {
  eni_id                   = aws_network_interface.one.id
  traffic_type             = "REJECT"
  log_destination          = aws_cloudwatch_log_group.flows.arn
  iam_role_arn             = aws_iam_role.delivery.arn
  max_aggregation_interval = 60
  log_format               = "$${version} $${interface-id} $${srcaddr} $${dstaddr} $${action} $${start} $${end}"
}
resource "aws_flow_log" "subnet" {
  subnet_id            = aws_subnet.one.id
  traffic_type         = "ALL"
  log_destination_type = "s3"
  log_destination      = "${aws_s3_bucket.archive.arn}/folder/"
  destination_options {
    file_format                = "parquet"
    hive_compatible_partitions = true
    per_hour_partition         = true
  }
}
"""
#: A plan without changes; with changes it would be 2.
NOTHING_TO_DO = 0
TERRAFORM_SECONDS_MAX = 300


def _provider_mirror() -> Path | None:
    """A folder that holds the provider, where an administrator would put it; nothing is fetched."""
    places = [Path.home() / ".terraform.d/plugins", *Path("/opt").glob("*")]
    places += [Path("/usr/share/terraform/plugins"), Path("/usr/local/share/terraform/plugins")]
    found = (place for place in places if any(place.glob("*/hashicorp/aws/*")))
    return next(found, None)


class Terraform:
    """The program in a folder of its own."""

    def __init__(self, folder: Path, server: AwsServer, mirror: Path) -> None:
        self._folder = folder
        self._environment = server.environment(folder) | {"CHECKPOINT_DISABLE": "1"}
        self.run("init", f"-plugin-dir={mirror}")

    def run(self, *arguments: str, expected: int = 0) -> str:
        program = shutil.which("terraform")
        assert program is not None
        done = subprocess.run(
            [program, arguments[0], "-no-color", "-input=false", *arguments[1:]],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=TERRAFORM_SECONDS_MAX,
            check=False,
        )
        assert done.returncode == expected, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout


@pytest.mark.skipif(
    shutil.which("terraform") is None or _provider_mirror() is None,
    reason="Terraform and its AWS provider are not installed",
)
def test_apply_then_nothing_to_do_then_destroy(server: AwsServer, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(CONFIGURATION)
    mirror = _provider_mirror()
    assert mirror is not None
    terraform = Terraform(tmp_path, server, mirror)
    assert "13 added" in terraform.run("apply", "-auto-approve")
    terraform.run("plan", "-detailed-exitcode", expected=NOTHING_TO_DO)
    assert "0 added, 0 changed, 0 destroyed" in terraform.run("apply", "-auto-approve")
    found = server.client("ec2").describe_flow_logs()["FlowLogs"]
    assert {one["LogDestinationType"] for one in found} == {"cloud-watch-logs", "s3"}
    assert "13 destroyed" in terraform.run("destroy", "-auto-approve")
    assert server.client("ec2").describe_flow_logs()["FlowLogs"] == []
