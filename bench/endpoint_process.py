"""The real ``vpcflow run --no-capture`` of a data folder, and clients of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from machine import BENCH, PYTHON, VPCFLOW
from signed_load import KEY_ID, REGION, SECRET

ACCOUNT = "123456789012"
_URL = re.compile(rb"http://[0-9.:]+")
_CLIENT_S_MAX = 60


class Endpoint:
    """The endpoint alone, until the block ends.

    Units: ``ready_s`` and ``ready_cpu_s`` are what it took until its first answer.
    """

    def __init__(self, data: Path) -> None:
        environment = {
            key: os.environ[key] for key in os.environ.keys() - {"PYTHONDONTWRITEBYTECODE"}
        }
        environment |= {
            "VPCFLOW_ROOT_ACCESS_KEY_ID": KEY_ID,
            "VPCFLOW_ROOT_SECRET_ACCESS_KEY": SECRET,
            "VPCFLOW_ACCOUNT_ID": ACCOUNT,
            "AWS_REGION": REGION,
        }
        command = [
            str(VPCFLOW),
            "--data",
            str(data),
            "run",
            "--no-capture",
            "--no-console",
            "--port",
            "0",
        ]
        begun = time.perf_counter()
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)
        assert self._process.stderr is not None
        said = []
        self.url = ""
        for line in self._process.stderr:
            said.append(line)
            found = _URL.search(line)
            if found:
                self.url = found[0].decode()
                break
        if not self.url:
            raise RuntimeError(f"vpcflow run ended: {b''.join(said).decode()}")
        # Nobody else reads what it says, and a full pipe would stop it.
        threading.Thread(target=self._process.stderr.read, daemon=True).start()
        # Signing would cost time of ours: to be refused is an answer.
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(self.url, timeout=_CLIENT_S_MAX).close()
        self.ready_s = time.perf_counter() - begun
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(") ")[2].split()
        self.ready_cpu_s = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(_CLIENT_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def rss_bytes(self) -> int:
        """Memory that it holds now."""
        fields = Path(f"/proc/{self._process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def client(self, service: str) -> Any:
        """boto3's client, signing every request and repeating none."""
        return client_of(self.url, service)


def client_of(url: str, service: str) -> Any:
    """The same for an endpoint of another process."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=_CLIENT_S_MAX),
    )


def loaded(
    url: str,
    service: str,
    bodies: list[str],
    *,
    headers: dict[str, str],
    seconds: float,
    connections: int,
) -> tuple[int, float]:
    """Requests that a second process had answered, and in how long.

    Errors: RuntimeError when one was answered other than 200.
    """
    plan = {
        "url": url,
        "service": service,
        "headers": headers,
        "bodies": bodies,
        "seconds": seconds,
        "connections": connections,
    }
    done = subprocess.run(
        [PYTHON, BENCH / "signed_load.py"],
        input=json.dumps(plan).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    told = json.loads(done.stdout)
    if set(told["done"]) != {"200"}:
        raise RuntimeError(f"answers of {service} by status: {told['done']}")
    return told["done"]["200"], told["seconds"]
