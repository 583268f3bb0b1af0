"""Snapshots in local files and on a real S3 endpoint."""

import asyncio
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from counterparts.missing import missing_counterpart
from counterparts.s3 import S3Server

from cluster.safety.errors import SnapshotsUnavailable
from cluster.settings.site import SiteSettings, SnapshotSettings
from cluster.storage.snapshots import SnapshotStore, open_snapshots

pytestmark = pytest.mark.anyio

JPEG = b"\xff\xd8" + bytes(range(256)) * 40 + b"\xff\xd9"
GENEROUS_S = 20.0


def _open(folder: Path, **settings: object) -> SnapshotStore:
    snapshots = SnapshotSettings.model_validate(settings)
    return open_snapshots(SiteSettings(name="test", data_dir=folder, snapshots=snapshots))


@pytest.fixture(params=["files", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SnapshotStore:
    if request.param == "files":
        return _open(tmp_path)
    bucket, server = request.getfixturevalue("s3_bucket"), request.getfixturevalue("s3_server")
    return _open(tmp_path, url=f"s3://{bucket}/pictures/site", endpoint=server.endpoint)


async def _put_when_it_can(store: SnapshotStore, name: str) -> None:
    async with asyncio.timeout(GENEROUS_S):
        while True:
            try:
                await store.put(name, JPEG)
            except SnapshotsUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_picture_comes_back_as_it_was_put(store: SnapshotStore) -> None:
    await store.ping()
    await store.put("gate-1/2026/03/01/a.jpg", JPEG)
    await store.put("gate-1/2026/03/01/a.jpg", JPEG)

    assert await store.get("gate-1/2026/03/01/a.jpg") == JPEG

    await store.delete("gate-1/2026/03/01/a.jpg")
    await store.delete("gate-1/2026/03/01/a.jpg")
    with pytest.raises(KeyError, match=r"a\.jpg"):
        await store.get("gate-1/2026/03/01/a.jpg")


async def test_names_that_lead_out_are_refused_everywhere(store: SnapshotStore) -> None:
    for call in (store.get, store.delete, lambda name: store.put(name, JPEG)):
        with pytest.raises(ValueError, match="snapshot name"):
            await call("../site.db")


async def test_many_at_once_are_all_kept(store: SnapshotStore) -> None:
    names = [f"gate-1/{number}.jpg" for number in range(30)]

    await asyncio.gather(*(store.put(name, name.encode()) for name in names))

    assert await asyncio.gather(*(store.get(name) for name in names)) == [name.encode() for name in names]


async def test_readers_see_the_old_picture_or_the_new_one_and_no_rest_is_left(tmp_path: Path) -> None:
    store = _open(tmp_path)
    pictures = [bytes([number]) * 200_000 for number in range(2)]
    await store.put("a.jpg", pictures[0])

    async def read() -> set[bytes]:
        return {(tmp_path / "snapshots" / "a.jpg").read_bytes() for _ in range(20)}

    for round_number in range(10):
        seen, _ = await asyncio.gather(
            asyncio.to_thread(asyncio.run, read()), store.put("a.jpg", pictures[round_number % 2])
        )
        assert seen <= set(pictures)
    assert [path.name for path in (tmp_path / "snapshots").iterdir()] == ["a.jpg"]


async def test_a_folder_that_cannot_be_written_is_told_and_used_again(tmp_path: Path) -> None:
    store = _open(tmp_path)
    (tmp_path / "snapshots").write_text("a file where the folder should be")

    with pytest.raises(SnapshotsUnavailable, match="see that the folder can be written") as refused:
        await store.put("gate-1/a.jpg", JPEG)
    with pytest.raises(SnapshotsUnavailable):
        await store.ping()

    assert str(tmp_path / "snapshots") in str(refused.value)
    (tmp_path / "snapshots").unlink()
    await store.put("gate-1/a.jpg", JPEG)
    assert await store.get("gate-1/a.jpg") == JPEG


async def test_a_folder_that_is_lost_while_in_use_is_told_and_used_again(tmp_path: Path) -> None:
    store = _open(tmp_path)
    await store.put("gate-1/a.jpg", JPEG)
    (tmp_path / "snapshots").rename(tmp_path / "away")
    (tmp_path / "snapshots").write_text("a file where the folder should be")

    with pytest.raises(SnapshotsUnavailable):
        await store.put("gate-1/b.jpg", JPEG)

    (tmp_path / "snapshots").unlink()
    (tmp_path / "away").rename(tmp_path / "snapshots")
    await store.put("gate-1/b.jpg", JPEG)
    assert await store.get("gate-1/a.jpg") == JPEG


@pytest.fixture
def remount(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """A small disk of its own under tmp_path/disk; call it with mount options to change them."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        missing_counterpart("a small disk", error)
    yield lambda options: subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True) and None
    subprocess.run(["umount", disk], check=True)


async def test_a_read_only_disk_is_told_and_used_again(tmp_path: Path, remount: Callable[[str], None]) -> None:
    store = _open(tmp_path, url=str(tmp_path / "disk"))
    await store.put("a.jpg", JPEG)
    remount("ro")

    with pytest.raises(SnapshotsUnavailable, match=r"[Rr]ead-only file system"):
        await store.put("b.jpg", JPEG)
    with pytest.raises(SnapshotsUnavailable):
        await store.ping()
    assert await store.get("a.jpg") == JPEG

    remount("rw")
    await store.put("b.jpg", JPEG)


async def test_a_full_disk_is_told_keeps_no_half_picture_and_is_used_again(
    tmp_path: Path, remount: Callable[[str], None]
) -> None:
    store = _open(tmp_path, url=str(tmp_path / "disk"))
    await store.put("a.jpg", JPEG)

    with pytest.raises(SnapshotsUnavailable, match=r"[Nn]o space left"):
        await store.put("b.jpg", bytes(2_000_000))
    with pytest.raises(KeyError):
        await store.get("b.jpg")

    remount("size=8m")
    await store.put("b.jpg", bytes(2_000_000))
    assert await store.get("a.jpg") == JPEG


async def test_a_stopped_server_is_told_and_used_again(s3_server: S3Server, s3_bucket: str, tmp_path: Path) -> None:
    store = _open(tmp_path, url=f"s3://{s3_bucket}", endpoint=s3_server.endpoint, timeout_s=2)
    await store.put("a.jpg", JPEG)
    await asyncio.to_thread(s3_server.stop)
    try:
        async with asyncio.timeout(GENEROUS_S):
            with pytest.raises(SnapshotsUnavailable, match="see that the server answers"):
                await store.put("b.jpg", JPEG)
            with pytest.raises(SnapshotsUnavailable):
                await store.ping()
    finally:
        await asyncio.to_thread(s3_server.start)

    await _put_when_it_can(store, "b.jpg")
    assert await store.get("a.jpg") == JPEG


async def test_a_server_that_never_answers_hangs_nobody(tmp_path: Path, s3_bucket: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        store = _open(tmp_path, url=f"s3://{s3_bucket}", endpoint=endpoint, timeout_s=0.5)

        async with asyncio.timeout(GENEROUS_S):
            for call in (store.ping(), store.get("a.jpg"), store.put("a.jpg", JPEG), store.delete("a.jpg")):
                with pytest.raises(SnapshotsUnavailable):
                    await call


async def test_a_bucket_that_is_missing_is_told_in_one_line_without_keys(
    s3_server: S3Server, s3_bucket: str, tmp_path: Path
) -> None:
    store = _open(tmp_path, url=f"s3://no-{s3_bucket}", endpoint=s3_server.endpoint)

    with pytest.raises(SnapshotsUnavailable, match=f"snapshots in s3://no-{s3_bucket}: ") as refused:
        await store.put("a.jpg", JPEG)

    with pytest.raises(SnapshotsUnavailable, match="NoSuchBucket"):
        await store.get("a.jpg")
    assert "\n" not in str(refused.value)
    assert "testing" not in str(refused.value)
