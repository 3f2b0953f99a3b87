"""Aim: folders and buckets from which records came are told as they are, whatever their names are.
Method: a real state file with real files taken, and rows of a bucket as its reader writes them."""

from __future__ import annotations

import os
from pathlib import Path

from vpcflow.app.ingest import Ingest
from vpcflow.app.settings import Settings
from vpcflow.collect.files import FileSource
from vpcflow.collect.state_db import StateDb
from vpcflow.collect.taken import taken_objects, taken_sources

LINE = (
    b"2 123456789012 eni-1 10.0.0.1 10.0.0.2 40000 443 6 10 840 1780272000 1780272060 ACCEPT OK\n"
)


def ingest(settings: Settings, folder: Path) -> None:
    with settings.folder.writer_lock(wait_s=0), Ingest(settings) as run:
        run.run([FileSource([str(folder)], settings.collect)])


def test_folders_with_any_name(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    strange = os.fsdecode(b"caf\xe9.log")
    for name, lines in (("a/one.log", 2), ("a/two.log", 1), (f"b/{strange}", 3)):
        path = logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Each line its own, so that no file has the content of another one.
        path.write_bytes(b"".join(LINE.replace(b"eni-1", name[:1].encode()) for _ in range(lines)))
    settings = Settings(data=tmp_path / "data")
    ingest(settings, logs)
    db = StateDb(settings.folder, writer=False)
    try:
        found = {one.name: one for one in taken_sources(db)}
        assert set(found) == {str(logs / "a"), str(logs / "b")}
        assert (found[str(logs / "a")].objects, found[str(logs / "b")].objects) == (2, 1)
        assert all(one.kind == "folder" and one.changed_s for one in found.values())
        pages = [taken_objects(db, limit=2)]
        pages.append(taken_objects(db, limit=2, before=pages[0][-1].number))
        assert [len(page) for page in pages] == [2, 1]
        assert len(taken_objects(db, limit=9, name="b/caf")) == 1
    finally:
        db.close()


def test_all_folders_of_a_bucket_are_one_source(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    db = StateDb(settings.folder)
    try:
        for day in range(3):
            db.write(
                "INSERT INTO objects VALUES (?, 'x', 1, '98000000000000000000000000000000-2-10', '', 10, 0, x'', 10, 20, ?,"
                " 'gzip', NULL, 0, 0, 1, NULL, NULL)",
                (f"s3://logs/AWSLogs/2026/06/0{day}/x.log.gz".encode(), day),
            )
        db.commit()
        (found,) = taken_sources(db)
        assert (found.name, found.kind) == ("s3://logs", "bucket")
        assert (found.objects, found.lines, found.bytes) == (3, 3, 30)
        assert found.changed_s is None
    finally:
        db.close()
