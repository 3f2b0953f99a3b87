"""Aim: somebody turns a flow log on in the browser and sees its first records.

Method: the lab's VPC, roles that boto3 makes, real packets.
"""

from __future__ import annotations

import json
import re
from typing import Any

from lab_scene import LabScene
from playwright.sync_api import Page, expect
from watched_pages import Visits, axe_faults, settled

from vpcflow.lab.testbed.topology import REGION, VPC_ID

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
        }
    ],
}
DELIVERS = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
)


def made_role(scene: LabScene, name: str, *actions: str) -> str:
    iam = scene.server.client("iam", region=REGION)
    made: dict[str, Any] = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    if actions:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="deliver", PolicyDocument=policy)
    return str(made["Role"]["Arn"])


def give(page: Page, label: str, value: str) -> None:
    page.get_by_role("combobox", name=label, exact=True).fill(value)
    page.keyboard.press("Tab")


def test_a_flow_log_is_made_delivers_and_is_deleted(visits: Visits, lab_scene: LabScene) -> None:
    wrong = made_role(lab_scene, "console-wrong")
    right = made_role(lab_scene, "console-right", *DELIVERS)
    page = settled(visits.open(lab_scene.server, "/flow-logs/new"))
    summary = page.get_by_role("complementary", name="Summary")
    page.get_by_role("checkbox", name=VPC_ID).check()
    expect(summary.get_by_role("region", name="Volume and price")).to_be_visible()
    give(page, "Log group", "console-flows")

    # What is missing is told before anything is made.
    give(page, "Role", wrong)
    expect(page.get_by_text("Delivery would fail as it is.")).to_be_visible()
    expect(page.get_by_role("group", name="Role and check")).to_contain_text("logs:PutLogEvents")
    give(page, "Role", right)
    expect(page.get_by_text("Ready to deliver.")).to_be_visible()
    assert axe_faults(page) == []

    summary.get_by_role("button", name="Create flow log").click()
    expect(page).to_have_url(re.compile(r"/flow-logs/fl-[0-9a-f]+"))
    flow_log = re.search(r"fl-[0-9a-f]+", page.url)
    assert flow_log is not None
    lab_scene.lab.once("ping")
    records = page.get_by_role("table", name="Newest records of this flow log")
    expect(records.get_by_role("row").nth(1)).to_be_visible()
    ec2 = lab_scene.server.client("ec2", region=REGION)
    (made,) = ec2.describe_flow_logs(FlowLogIds=[flow_log[0]])["FlowLogs"]
    assert (made["ResourceId"], made["LogGroupName"]) == (VPC_ID, "console-flows")
    assert made["DeliverLogsPermissionArn"] == right

    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog", name=re.compile("^Delete"))
    dialog.get_by_role("button", name="Delete flow log").click()
    expect(dialog.get_by_role("alert")).to_have_text("Tick the box first.")
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Delete flow log").click()
    expect(page.get_by_role("heading", level=1, name="Flow logs")).to_be_visible()
    expect(page.get_by_text(flow_log[0])).to_have_count(1)  # the toast alone
    assert ec2.describe_flow_logs(FlowLogIds=[flow_log[0]])["FlowLogs"] == []


def test_what_is_left_out_is_told_and_gone_to(visits: Visits, lab_scene: LabScene) -> None:
    page = settled(visits.open(lab_scene.server, "/flow-logs/new"))
    page.get_by_role("button", name="Create flow log").click()
    alert = page.get_by_role("alert", name="What is to be mended")
    expect(alert).to_be_focused()
    alert.get_by_role("button").first.click()
    expect(page.get_by_role("group", name=re.compile("Resources"))).to_be_in_viewport()
