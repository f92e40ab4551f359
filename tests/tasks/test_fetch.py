"""Downloads against a server of our own: whole, resumed, from a mirror, and never half."""

from __future__ import annotations

import errno
import hashlib
import http.server
import shutil
import threading
from collections import namedtuple
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dtml.errors import Problem
from dtml.fetch import fetch

CONTENT = bytes(range(256)) * 4000
CHECKSUM = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


class Server(http.server.BaseHTTPRequestHandler):
    """/file gives the content, with ranges; /stubborn knows no ranges; /broken hangs up half way; else 404."""

    asked: list[str] = []
    files: dict[str, bytes] = {}
    """What else it gives, with ranges."""

    def do_GET(self) -> None:
        self.asked.append(f"{self.path} {self.headers.get('Range', '')}".strip())
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        content = {"/file": CONTENT, "/stubborn": CONTENT, "/broken": CONTENT, **self.files}.get(self.path)
        if content is None:
            return self.send_error(404)
        ranged = self.path not in ("/stubborn", "/broken")
        if ranged and start >= len(content):
            return self.send_error(416)
        start = start if ranged else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : len(content) // 2 if self.path == "/broken" else None])
        return None

    def log_message(self, *_arguments: object) -> None:
        """Silence."""


@pytest.fixture
def server() -> Iterator[str]:
    Server.asked = []
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    httpd.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def get(urls: list[str], path: Path, checksum: str = CHECKSUM) -> list[float]:
    shares: list[float] = []
    fetch(urls, path, checksum, lambda _what, share: shares.append(share))
    return shares


def test_a_file_comes_whole_and_tells_its_progress(server: str, tmp_path: Path) -> None:
    path = tmp_path / "below" / "file.bin"
    shares = get([f"{server}/file"], path)
    assert path.read_bytes() == CONTENT
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert list(path.parent.iterdir()) == [path]


def test_it_goes_on_where_it_stopped(server: str, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:5000])
    get([f"{server}/file"], path)
    assert Server.asked == ["/file bytes=5000-"]
    assert path.read_bytes() == CONTENT


def test_it_begins_anew_where_the_server_cannot_go_on(server: str, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:5000])
    get([f"{server}/stubborn"], path)
    assert path.read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(server: str, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(CONTENT + b"more")
    get([f"{server}/file"], path)
    assert path.read_bytes() == CONTENT


def test_an_old_beginning_does_not_spoil_the_file(server: str, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(b"of another version")
    get([f"{server}/file"], path)
    assert Server.asked == ["/file bytes=18-", "/file"]
    assert path.read_bytes() == CONTENT


def test_the_next_mirror_goes_on_after_a_broken_connection(server: str, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    get([f"{server}/nothing", f"{server}/broken", f"{server}/file"], path)
    assert Server.asked[-1] == f"/file bytes={len(CONTENT) // 2}-"
    assert path.read_bytes() == CONTENT


def test_a_wrong_file_is_never_put_in_place(server: str, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    with pytest.raises(Problem, match="wrong checksum sha256:[0-9a-f]{64}.*by hand"):
        get([f"{server}/file"], path, "sha256:00")
    assert list(tmp_path.iterdir()) == []


def test_no_mirror_answers(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    with pytest.raises(
        Problem, match=r"could not be downloaded \(http://127.0.0.1:9/file: .*refused\); try again later"
    ):
        get(["http://127.0.0.1:9/file"], path)
    assert not path.exists()


def test_the_start_of_a_sha256_is_enough(server: str, tmp_path: Path) -> None:
    get([f"{server}/file"], tmp_path / "file.bin", f"sha256:{hashlib.sha256(CONTENT).hexdigest()[:8]}")


def test_a_link_that_breaks_midway_leaves_only_a_beginning(server: str, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    with pytest.raises(Problem, match="could not be downloaded .*the connection ended early") as caught:
        get([f"{server}/broken"], path)
    assert "\n" not in str(caught.value)
    assert {p.name: p.stat().st_size for p in tmp_path.iterdir()} == {"file.bin.part": len(CONTENT) // 2}
    get([f"{server}/file"], path)
    assert Server.asked[-1] == f"/file bytes={len(CONTENT) // 2}-"
    assert path.read_bytes() == CONTENT


def test_nothing_has_the_final_name_before_it_is_whole(server: str, tmp_path: Path) -> None:
    path, seen = tmp_path / "file.bin", list[bool]()
    fetch([f"{server}/file"], path, CHECKSUM, lambda _what, _share: seen.append(path.exists()))
    assert seen
    assert not any(seen)
    assert path.exists()


def test_what_had_arrived_whole_is_not_downloaded_again(server: str, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    get([f"{server}/file"], path)
    assert Server.asked == [f"/file bytes={len(CONTENT)}-"]
    assert path.read_bytes() == CONTENT


def test_a_disk_that_is_too_small_is_told_before_it_is_full(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 0, len(CONTENT) - 1))
    with pytest.raises(Problem, match="There is no space for 'file.bin'.*DTML_HOME"):
        get([f"{server}/file"], tmp_path / "file.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_keeps_what_has_arrived(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_response: object, part: Path, _have: int, _report: object) -> None:
        part.write_bytes(CONTENT[:7000])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("dtml.fetch._write", full)
        with pytest.raises(Problem, match="what has arrived is kept"):
            get([f"{server}/file", f"{server}/stubborn"], tmp_path / "file.bin")
    assert [each.split()[0] for each in Server.asked] == ["/file"], "another mirror would not help"
    get([f"{server}/file"], tmp_path / "file.bin")
    assert Server.asked[-1] == "/file bytes=7000-"


def test_two_who_want_the_same_file_download_it_once(server: str, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _n: get([f"{server}/file"], path), range(2)))
    assert Server.asked == ["/file"]
    assert path.read_bytes() == CONTENT
