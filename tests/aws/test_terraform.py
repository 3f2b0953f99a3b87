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
#: The same provider, and what a VPC of its own rules and a stream have.
SECOND_CONFIGURATION = """
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  s3_use_path_style       = true
  skip_metadata_api_check = true
}
variable "owner" { default = "one" }
resource "aws_vpc" "six" {
  cidr_block                       = "10.43.0.0/16"
  assign_generated_ipv6_cidr_block = true
}
resource "aws_subnet" "six" {
  vpc_id                          = aws_vpc.six.id
  cidr_block                      = "10.43.1.0/24"
  ipv6_cidr_block                 = cidrsubnet(aws_vpc.six.ipv6_cidr_block, 8, 1)
  assign_ipv6_address_on_creation = true
}
resource "aws_internet_gateway" "out" { vpc_id = aws_vpc.six.id }
resource "aws_route_table" "out" {
  vpc_id = aws_vpc.six.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.out.id
  }
  route {
    ipv6_cidr_block = "::/0"
    gateway_id      = aws_internet_gateway.out.id
  }
}
resource "aws_route_table_association" "out" {
  subnet_id      = aws_subnet.six.id
  route_table_id = aws_route_table.out.id
}
resource "aws_network_acl" "strict" {
  vpc_id     = aws_vpc.six.id
  subnet_ids = [aws_subnet.six.id]
  ingress {
    rule_no    = 100
    protocol   = "tcp"
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 443
    to_port    = 443
  }
  egress {
    rule_no         = 100
    protocol        = "-1"
    action          = "deny"
    ipv6_cidr_block = "::/0"
    from_port       = 0
    to_port         = 0
  }
}
resource "aws_default_security_group" "closed" { vpc_id = aws_vpc.six.id }
resource "aws_security_group" "rules" {
  name   = "rules"
  vpc_id = aws_vpc.six.id
}
resource "aws_vpc_security_group_ingress_rule" "https" {
  security_group_id = aws_security_group.rules.id
  cidr_ipv4         = "10.0.0.0/8"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = { owner = var.owner }
}
resource "aws_vpc_security_group_ingress_rule" "own" {
  security_group_id            = aws_security_group.rules.id
  referenced_security_group_id = aws_security_group.rules.id
  ip_protocol                  = "-1"
}
resource "aws_vpc_security_group_egress_rule" "six" {
  security_group_id = aws_security_group.rules.id
  cidr_ipv6         = "::/0"
  ip_protocol       = "-1"
}
resource "aws_s3_bucket" "backup" { bucket = "stream-backup" }
resource "aws_iam_role" "stream" {
  name = "stream"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "firehose.amazonaws.com" }
    }]
  })
}
resource "aws_kinesis_firehose_delivery_stream" "flows" {
  name        = "flows"
  destination = "http_endpoint"
  http_endpoint_configuration {
    url                = "https://localhost:9/records"
    name               = "receiver"
    access_key         = "shared"
    buffering_size     = 1
    buffering_interval = 60
    role_arn           = aws_iam_role.stream.arn
    s3_configuration {
      role_arn   = aws_iam_role.stream.arn
      bucket_arn = aws_s3_bucket.backup.arn
    }
  }
}
resource "aws_flow_log" "stream" {
  vpc_id               = aws_vpc.six.id
  traffic_type         = "ALL"
  log_destination_type = "kinesis-data-firehose"
  log_destination      = aws_kinesis_firehose_delivery_stream.flows.arn
  tags                 = { owner = var.owner }
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
        self._environment = server.environment(folder) | {
            "CHECKPOINT_DISABLE": "1",
            "TF_INPUT": "0",
            "TF_CLI_ARGS": "-no-color",
        }
        self.run("init", f"-plugin-dir={mirror}")

    def run(self, *arguments: str, expected: int = 0) -> str:
        program = shutil.which("terraform")
        assert program is not None
        done = subprocess.run(
            [program, *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=TERRAFORM_SECONDS_MAX,
            check=False,
        )
        assert done.returncode == expected, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout


needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None or _provider_mirror() is None,
    reason="Terraform and its AWS provider are not installed",
)


@needs_terraform
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


@needs_terraform
def test_a_stricter_vpc_a_stream_tags_in_place_and_an_import(
    server: AwsServer, tmp_path: Path
) -> None:
    (tmp_path / "main.tf").write_text(SECOND_CONFIGURATION)
    mirror = _provider_mirror()
    assert mirror is not None
    terraform = Terraform(tmp_path, server, mirror)
    assert "15 added, 0 changed" in terraform.run("apply", "-auto-approve")
    terraform.run("plan", "-detailed-exitcode", expected=NOTHING_TO_DO)
    (made,) = server.client("ec2").describe_flow_logs()["FlowLogs"]
    owner = "-var=owner=two"
    assert "0 added, 2 changed, 0 destroyed" in terraform.run("apply", "-auto-approve", owner)
    (tagged,) = server.client("ec2").describe_flow_logs()["FlowLogs"]
    assert (tagged["FlowLogId"], tagged["Tags"]) == (
        made["FlowLogId"],
        [{"Key": "owner", "Value": "two"}],
    )
    terraform.run("state", "rm", "aws_flow_log.stream")
    terraform.run("import", owner, "aws_flow_log.stream", made["FlowLogId"])
    terraform.run("plan", "-detailed-exitcode", owner, expected=NOTHING_TO_DO)
    assert "15 destroyed" in terraform.run("destroy", "-auto-approve", owner)
