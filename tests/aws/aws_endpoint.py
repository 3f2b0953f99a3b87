"""The real server as a process, and unmodified clients that speak to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
ACCESS_KEY_ID = "AKIATESTTESTTESTTEST"
SECRET_ACCESS_KEY = "test/secret+of/the+root=for+tests/only0"
#: The longest that a start, a stop or a command may take; a bound, not a wait.
PROCESS_SECONDS_MAX = 120.0
_BIN = Path(sys.executable).parent


class AwsServer:
    """``vpcflow run`` on a port of its own; killed when the block ends."""

    def __init__(
        self,
        data: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
        waits_for: str = "AWS endpoint ",
    ) -> None:
        self.data = data
        self._process = subprocess.Popen(
            [str(_BIN / "vpcflow"), "--data", str(data), "run", "--port", "0", *options],
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "VPCFLOW_ACCOUNT_ID": ACCOUNT_ID,
                "VPCFLOW_ROOT_ACCESS_KEY_ID": ACCESS_KEY_ID,
                "VPCFLOW_ROOT_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
                "VPCFLOW_INVENTORY__REGION": REGION,
                "VPCFLOW_INVENTORY__OWN_NAMESPACE": "false",
                **(environment or {}),
            },
        )
        self.lines: list[str] = []
        self.url = ""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line)
            if line.startswith("AWS endpoint "):
                self.url = line.split()[2].rstrip(",")
            if line.startswith(waits_for):
                break
        else:
            raise AssertionError(f"vpcflow run ended: {''.join(self.lines)}")
        # Whoever does not read the rest would stop the server when the pipe is full.
        self._reader = threading.Thread(target=self._read_on, daemon=True)
        self._reader.start()

    def _read_on(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def kill(self) -> None:
        """End it as a power failure does."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(PROCESS_SECONDS_MAX)
        self._reader.join(PROCESS_SECONDS_MAX)

    def stop(self) -> None:
        """End it as systemd does; it must end well."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(PROCESS_SECONDS_MAX) == 0, "".join(self.lines)
        self._reader.join(PROCESS_SECONDS_MAX)

    def client(
        self,
        service: str,
        *,
        key: tuple[str, ...] = (ACCESS_KEY_ID, SECRET_ACCESS_KEY),
        region: str = REGION,
        **config: Any,
    ) -> Any:
        """A boto3 client; ``key`` is id, secret and, for temporary keys, the session token."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=key[0],
            aws_secret_access_key=key[1],
            aws_session_token=key[2] if len(key) > 2 else None,
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def environment(self, home: Path) -> dict[str, str]:
        """What an AWS client needs to speak to this server and to nobody else."""
        kept = {"PATH": f"{_BIN}:{os.environ.get('PATH', '')}", "HOME": str(home)}
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }

    def aws(self, *arguments: str, home: Path, fails: bool = False) -> Any:
        """What the real aws CLI answers, read as JSON, text of ``s3``; its message where it must fail."""
        done = subprocess.run(
            [str(_BIN / "aws"), "--output", "json", *arguments],
            env=self.environment(home),
            capture_output=True,
            text=True,
            timeout=PROCESS_SECONDS_MAX,
            check=False,
        )
        if fails:
            assert done.returncode != 0, done.stdout
            return done.stderr
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        if arguments[:1] == ("s3",):
            return done.stdout
        return json.loads(done.stdout) if done.stdout.strip() else None
