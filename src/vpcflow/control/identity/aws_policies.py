"""The managed policies that AWS itself keeps, as far as they make sense here; nobody changes them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from vpcflow.control.identity.records import ManagedPolicy, PolicyVersion

AWS_POLICY_PREFIX = "arn:aws:iam::aws:policy"
#: When the built-in policies say they were made: AWS shows the day on which managed policies began.
_CREATED_S = 1_423_161_663.0


def _policy(number: int, name: str, description: str, actions: Sequence[str]) -> ManagedPolicy:
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
        }
    )
    return ManagedPolicy(
        name,
        f"ANPAAWSBUILTIN{number:07d}".replace("0", "A").replace("1", "B"),
        _CREATED_S,
        _CREATED_S,
        "v1",
        {"v1": PolicyVersion(document, _CREATED_S)},
        description=description,
    )


_READ = ("Describe*", "Get*", "List*", "Filter*", "Lookup*", "BatchGet*", "Search*", "Head*")
_SERVICES = ("ec2", "logs", "s3", "iam", "sts", "firehose", "cloudwatch", "tag")
_LOGS_READ = ("Describe*", "Get*", "List*", "StartQuery", "StopQuery", "TestMetricFilter")

_ALL = (
    _policy(2, "AdministratorAccess", "Everything.", ["*"]),
    _policy(
        3,
        "ReadOnlyAccess",
        "Reading in all services.",
        [f"{service}:{verb}" for service in _SERVICES for verb in _READ]
        + ["logs:StartQuery", "logs:StopQuery", "logs:StartLiveTail", "logs:TestMetricFilter"],
    ),
    _policy(
        4,
        "AmazonEC2FullAccess",
        "Everything of EC2.",
        ["ec2:*", "cloudwatch:*", "elasticloadbalancing:*", "autoscaling:*"],
    ),
    _policy(
        5,
        "AmazonEC2ReadOnlyAccess",
        "Reading in EC2.",
        ["ec2:Describe*", "ec2:Get*", "ec2:Search*", "cloudwatch:ListMetrics", "cloudwatch:Get*"],
    ),
    _policy(
        6,
        "AmazonVPCFullAccess",
        "Everything of VPCs, flow logs included.",
        ["ec2:*", "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:Describe*"],
    ),
    _policy(7, "AmazonVPCReadOnlyAccess", "Reading in VPCs.", ["ec2:Describe*", "ec2:Get*"]),
    _policy(
        8,
        "CloudWatchLogsFullAccess",
        "Everything of CloudWatch Logs.",
        ["logs:*", "cloudwatch:GenerateQuery"],
    ),
    _policy(
        9,
        "CloudWatchLogsReadOnlyAccess",
        "Reading in CloudWatch Logs.",
        [
            *(f"logs:{verb}" for verb in _LOGS_READ),
            "logs:FilterLogEvents",
            "logs:StartLiveTail",
            "logs:StopLiveTail",
            "cloudwatch:GenerateQuery",
        ],
    ),
    _policy(10, "CloudWatchFullAccess", "Metrics and logs.", ["cloudwatch:*", "logs:*", "sns:*"]),
    _policy(
        11,
        "CloudWatchReadOnlyAccess",
        "Reading metrics and logs.",
        [
            "cloudwatch:Describe*",
            "cloudwatch:Get*",
            "cloudwatch:List*",
            *(f"logs:{verb}" for verb in _LOGS_READ),
            "logs:FilterLogEvents",
            "logs:StartLiveTail",
            "logs:StopLiveTail",
        ],
    ),
    _policy(12, "AmazonS3FullAccess", "Everything of S3.", ["s3:*", "s3-object-lambda:*"]),
    _policy(
        13, "AmazonS3ReadOnlyAccess", "Reading in S3.", ["s3:Get*", "s3:List*", "s3:Describe*"]
    ),
    _policy(14, "IAMFullAccess", "Everything of IAM.", ["iam:*"]),
    _policy(
        15,
        "IAMReadOnlyAccess",
        "Reading in IAM.",
        ["iam:Generate*", "iam:Get*", "iam:List*", "iam:Simulate*"],
    ),
    _policy(16, "AmazonKinesisFirehoseFullAccess", "Everything of Firehose.", ["firehose:*"]),
    _policy(
        17,
        "AmazonKinesisFirehoseReadOnlyAccess",
        "Reading in Firehose.",
        ["firehose:Describe*", "firehose:List*"],
    ),
)

#: By ARN.
AWS_POLICIES = {f"{AWS_POLICY_PREFIX}/{policy.name}": policy for policy in _ALL}
