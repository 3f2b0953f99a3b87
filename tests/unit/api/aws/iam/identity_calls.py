"""Calls of IAM and STS as the dispatcher makes them, signed off by the real permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vpcflow.api.aws import iam, sts
from vpcflow.api.aws.operation import Call, RawRequest
from vpcflow.base.clock import ManualClock
from vpcflow.control.caller import Caller, root_caller
from vpcflow.control.identity import caller_of, find_key, seed_root_key
from vpcflow.control.permissions import Permissions
from vpcflow.control.state import State

ACCOUNT, OTHER = "123456789012", "210987654321"
_RAW = RawRequest("POST", "/", "", (), b"")


class Desk:
    """One account with its IAM and STS."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.clock = ManualClock()
        self.permissions = Permissions(state, self.clock)
        self.services = {"iam": iam.service(state), "sts": sts.service(state, self.permissions)}
        self.root = root_caller(ACCOUNT)
        seed_root_key(state, ACCOUNT)

    def call(
        self, service: str, name: str, caller: Caller | None = None, **parameters: Any
    ) -> Mapping[str, Any]:
        """Authorize and do one operation; parameters that it does not take are a test's mistake."""
        operation = self.services[service].operations[name]
        taken = {*operation.takes.split(), *operation.ignores}
        assert set(parameters) <= taken, set(parameters) - taken
        call = Call(
            service,
            name,
            parameters,
            caller or self.root,
            "us-east-1",
            "request",
            self.clock.now_s(),
            _RAW,
            self.permissions,
        )
        if not operation.authorizes_itself:
            resources = operation.resources(call) if operation.resources else ("*",)
            context = operation.context(call) if operation.context else None
            self.permissions(call.caller, f"{service}:{name}", resources, context)
        answer = operation.handle(call)
        assert answer is None or isinstance(answer, Mapping)
        return {} if answer is None else answer

    def iam(self, name: str, caller: Caller | None = None, **parameters: Any) -> Mapping[str, Any]:
        """One operation of IAM."""
        return self.call("iam", name, caller, **parameters)

    def sts(self, name: str, caller: Caller | None = None, **parameters: Any) -> Mapping[str, Any]:
        """One operation of STS."""
        return self.call("sts", name, caller, **parameters)

    def caller(self, key_id: str) -> Caller:
        """Who a key stands for."""
        key = find_key(self.state, key_id)
        assert key is not None
        found = caller_of(self.state, key)
        assert found is not None
        return found

    def user(self, name: str) -> Caller:
        """A new user."""
        self.iam("CreateUser", UserName=name)
        key = self.iam("CreateAccessKey", UserName=name)["AccessKey"]
        return self.caller(key["AccessKeyId"])
