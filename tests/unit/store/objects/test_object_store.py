"""Aim: objects are whole, durable, bounded and listed in order. Method: the store on a real folder.

The process that is killed is a real one; it says which objects it was promised.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vpcflow.base.clock import ManualClock
from vpcflow.base.errors import ServiceError
from vpcflow.store.objects import ObjectStore, ObjectStoreSettings, StoredObject


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    made = ObjectStore(tmp_path, clock=ManualClock())
    made.create_bucket("logs")
    yield made
    made.close()


@pytest.mark.parametrize(
    "key",
    ["a", "../../etc/passwd", "/", "a//b/", ".", "..", "é" * 512, "x" * 1024, "A", "a\nb\0c", "🪵"],
)
def test_any_text_is_a_key(store: ObjectStore, key: str) -> None:
    put = store.put("logs", key, key.encode(), metadata={"n": "1"})
    assert put.size == len(key.encode())
    found = store.get("logs", key)
    assert store.read(found)[1] == key.encode()
    assert found.described.metadata == {"n": "1"}
    assert [one.key for one in store.keys("logs").objects] == [key]


def test_keys_that_differ_in_case_are_two(store: ObjectStore) -> None:
    store.put("logs", "a", b"1")
    store.put("logs", "A", b"2")
    assert [one.key for one in store.keys("logs").objects] == ["A", "a"]


def test_a_key_that_is_too_long_is_refused(store: ObjectStore) -> None:
    with pytest.raises(ServiceError) as error:
        store.put("logs", "x" * 1025, b"")
    assert error.value.code == "KeyTooLongError"


def test_what_was_put_is_there_after_a_restart(store: ObjectStore, tmp_path: Path) -> None:
    made = store.put("logs", "a", b"1", "text/plain", "gzip", {"x": "y"})
    store.close()
    again = ObjectStore(tmp_path)
    assert again.get("logs", "a") == made
    assert again.read(made)[1] == b"1"
    assert again.used_bytes == 1
    again.close()


def test_a_new_object_takes_the_place_and_the_room_of_the_old_one(
    store: ObjectStore, tmp_path: Path
) -> None:
    for data in (b"12345", b"1", b"123"):
        store.put("logs", "a", data)
    assert store.used_bytes == 3
    files = [path for path in (tmp_path / "logs").rglob("*") if path.is_file()]
    assert len(files) == 1
    store.delete("logs", ["a", "none"])
    assert store.used_bytes == 0
    assert not [path for path in (tmp_path / "logs").rglob("*") if path.is_file()]


def test_the_bound_on_all_objects_holds(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path, ObjectStoreSettings(objects_bytes_max=10))
    store.create_bucket("logs")
    store.put("logs", "a", b"12345678")
    with pytest.raises(ServiceError) as error:
        store.put("logs", "b", b"123")
    assert error.value.code == "EntityTooLarge"
    assert store.find("logs", "b") is None
    store.put("logs", "b", b"12")
    assert store.used_bytes == 10
    store.close()


def test_a_reader_keeps_what_it_opened(store: ObjectStore) -> None:
    old = store.put("logs", "a", b"old")
    with store.open(old) as (_, file):
        store.put("logs", "a", b"newer")
        assert file.read() == b"old"
    found, data = store.read(old)
    assert (found.size, data) == (5, b"newer")


def test_a_bucket_goes_when_it_is_empty_and_takes_nothing_then(store: ObjectStore) -> None:
    store.put("logs", "a", b"1")
    with pytest.raises(ServiceError) as error:
        store.delete_bucket("logs")
    assert error.value.code == "BucketNotEmpty"
    store.delete("logs", ["a"])
    store.delete_bucket("logs")
    with pytest.raises(ServiceError) as error:
        store.put("logs", "a", b"1")
    assert error.value.code == "NoSuchBucket"
    assert store.used_bytes == 0


def test_a_condition_is_held_at_the_moment_of_the_change(store: ObjectStore) -> None:
    won: list[str] = []

    def once(found: StoredObject | None) -> None:
        if found is not None:
            raise ServiceError("PreconditionFailed", "taken", status=412)

    def put(number: int) -> None:
        from vpcflow.store.objects import ObjectHeaders

        try:
            store.put_described("logs", "a", [str(number).encode()], ObjectHeaders(), once)
        except ServiceError:
            return
        won.append(str(number))

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.read(store.get("logs", "a"))[1].decode() == won[0]
    assert store.used_bytes == 1


_KEYS = st.text("ab/é\U0010ffff", min_size=1, max_size=6)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    keys=st.sets(_KEYS, max_size=12),
    prefix=st.text("ab/", max_size=2),
    delimiter=st.sampled_from(["", "/", "ab", "é"]),
    limit=st.integers(1, 4),
)
def test_pages_hold_each_key_and_prefix_once_in_order(
    store: ObjectStore, keys: set[str], prefix: str, delimiter: str, limit: int
) -> None:
    store.delete("logs", [one.key for one in store.keys("logs").objects])
    for key in keys:
        store.put("logs", key, b"")
    wanted: list[str] = []
    for key in sorted(keys, key=str.encode):
        if not key.startswith(prefix):
            continue
        end = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = key if end < 0 else key[: end + len(delimiter)]
        if entry not in wanted:
            wanted.append(entry)
    seen: list[str] = []
    after, more = "", True
    while more:
        page = store.keys("logs", prefix=prefix, delimiter=delimiter, after=after, limit=limit)
        entries = [*(one.key for one in page.objects), *page.prefixes]
        assert len(entries) <= limit
        assert entries or not page.more
        seen.extend(sorted(entries, key=str.encode))
        after, more = page.last, page.more
    assert seen == wanted


def test_content_without_a_row_goes_when_it_is_old(store: ObjectStore, tmp_path: Path) -> None:
    store.put("logs", "a", b"1")
    name, _, _ = store.content.write("logs", [b"lost"])
    path = store.content.path(name)
    assert store.remove_orphans() == 0
    os.utime(path, (0, 0))
    os.utime(store.content.path(store.get("logs", "a").file), (0, 0))
    assert store.remove_orphans() == 1
    assert not path.exists()
    assert store.read(store.get("logs", "a"))[1] == b"1"


def test_threads_that_come_and_go_leave_no_files_open(store: ObjectStore) -> None:
    store.put("logs", "a", b"1")
    for _ in range(20):
        reader = threading.Thread(target=store.get, args=("logs", "a"))
        reader.start()
        reader.join()
    opened = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    index = [name for name in opened if name == str(store.index.path)]
    assert len(index) <= 2


_WRITER = """
import sys
from pathlib import Path
from vpcflow.store.objects import ObjectStore
store = ObjectStore(Path(sys.argv[1]))
store.create_bucket("logs")
number = 0
while True:
    key = f"k{number % 7}"
    store.put("logs", key, f"{number}".encode() * 5000, metadata={"number": str(number)})
    print(number, flush=True)
    number += 1
"""


@pytest.mark.parametrize("promised", [1, 8, 23])
def test_a_killed_writer_leaves_whole_objects_and_all_it_promised(
    tmp_path: Path, promised: int
) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    for _ in range(promised):
        last = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    rest = [int(line) for line in writer.stdout.read().split()]
    writer.wait()
    last = max([last, *rest])
    store = ObjectStore(tmp_path)
    found = store.keys("logs").objects
    numbers = []
    for one in found:
        number = int(one.described.metadata["number"])
        assert store.read(one)[1] == f"{number}".encode() * 5000
        numbers.append(number)
    for number in range(max(0, last - 6), last + 1):
        assert any(n % 7 == number % 7 and n >= number for n in numbers)
    store.close()
