"""EC2's operations over a state of their own, called without a wire."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from vpcflow.api.aws.ec2 import service
from vpcflow.api.aws.operation import Call, RawRequest
from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import root_caller
from vpcflow.control.network import NetworkService
from vpcflow.control.state import Database, Place, State

ACCOUNT = "123456789012"
REGION = "us-east-1"
PLACE = Place(ACCOUNT, REGION)
NOW_S = 1_700_000_000.0
_MODEL = botocore.session.get_session().get_service_model("ec2")
#: What AWS answers although its model does not list it.
_UNLISTED = {("CreateNetworkInterface.NetworkInterface.Status", "pending")}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "timestamp": datetime.datetime,
}


class NetworkWorld:
    """One account's network; ``call`` checks every answer against the model's output shape."""

    def __init__(self, folder: Path) -> None:
        self.state = State(Database.in_folder(folder))
        self.network = NetworkService(self.state)
        self.service = service(self.network, [])

    def call(self, operation: str, /, region: str = REGION, **parameters: Any) -> Any:
        found = self.service.operations[operation]
        model = _MODEL.operation_model(operation)
        assert parameters.keys() <= {*found.takes.split(), *found.ignores}, "refused parameter"
        call = Call(
            "ec2",
            operation,
            parameters,
            root_caller(ACCOUNT),
            region,
            "request",
            NOW_S,
            RawRequest("POST", "/", "", (), b""),
            lambda *_, **__: None,
        )
        if found.resources:
            assert all(one.startswith("arn:aws:ec2:") for one in found.resources(call))
        answer = found.handle(call)
        if model.output_shape is None:
            assert answer is None
            return None
        _check(model.output_shape, answer, operation)
        return answer

    def refused(self, operation: str, code: str, text: str = "", /, **parameters: Any) -> str:
        """Expect a refusal; gives its message."""
        with pytest.raises(ServiceError) as raised:
            self.call(operation, **parameters)
        assert raised.value.code == code, raised.value.message
        if text:
            assert raised.value.message == text
        return raised.value.message

    def vpc(self, cidr: str = "10.0.0.0/16", **more: Any) -> str:
        found: str = self.call("CreateVpc", CidrBlock=cidr, **more)["Vpc"]["VpcId"]
        return found

    def subnet(self, vpc_id: str, cidr: str = "10.0.1.0/24", **more: Any) -> str:
        answer = self.call("CreateSubnet", VpcId=vpc_id, CidrBlock=cidr, **more)
        found: str = answer["Subnet"]["SubnetId"]
        return found

    def interface(self, subnet_id: str, **more: Any) -> dict[str, Any]:
        answer = self.call("CreateNetworkInterface", SubnetId=subnet_id, **more)
        found: dict[str, Any] = answer["NetworkInterface"]
        return found

    def group(self, vpc_id: str, name: str = "web", **more: Any) -> str:
        answer = self.call(
            "CreateSecurityGroup", GroupName=name, Description="d", VpcId=vpc_id, **more
        )
        found: str = answer["GroupId"]
        return found


def filters(**wanted: Any) -> list[dict[str, Any]]:
    """EC2's filters; ``_`` stands for ``-``."""
    return [
        {"Name": name.replace("_", "-"), "Values": [value] if isinstance(value, str) else value}
        for name, value in wanted.items()
    ]


def _check(shape: Any, value: Any, where: str) -> None:
    if shape.type_name == "structure":
        assert isinstance(value, dict), where
        unknown = value.keys() - shape.members.keys()
        assert not unknown, f"{where} has no {unknown}"
        for name, member in value.items():
            if member is not None:
                _check(shape.members[name], member, f"{where}.{name}")
    elif shape.type_name == "list":
        assert isinstance(value, list), where
        for item in value:
            _check(shape.member, item, where)
    else:
        assert isinstance(value, _TYPES[shape.type_name]), where
        if getattr(shape, "enum", None):
            assert value in shape.enum or (where, value) in _UNLISTED, f"{where} is {value}"
