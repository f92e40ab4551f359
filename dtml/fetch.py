"""Downloads: resumed where they stopped, checked, and in place only once they are whole."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from filelock import FileLock

from dtml import paths
from dtml.errors import Problem
from dtml.language import mark

Progress = Callable[[str, float], None]
CHUNK = 1 << 18
TIMEOUT = 30.0
"""Seconds of silence after which a mirror is given up."""


def fetch(urls: Sequence[str], path: Path, checksum: str, progress: Progress) -> None:
    """Download a file from the first of its mirrors that gives it.

    Args:
        urls: mirrors of the same file, the best first.
        path: where the file is to be; nothing is there before it is whole and checked.
        checksum: "md5:…" or "sha256:…", the latter in full or its first digits.
        progress: told about (file name, share).

    Of several processes that want the same file one downloads it, and the others wait for it.

    Raises:
        Problem: where no mirror gives the file, or none the right one, and where there is no space for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(paths.cache() / f"fetch-{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.lock"):
        if not path.exists():
            _fetch(urls, path, checksum, progress)


def _fetch(urls: Sequence[str], path: Path, checksum: str, progress: Progress) -> None:
    part = path.with_name(f"{path.name}.part")
    failures = []
    for url in urls:
        try:
            received = _received(url, part, checksum, lambda share: progress(path.name, share))
        except (OSError, HTTPException) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise _no_space(path) from None
            reason = error.reason if type(error) is urllib.error.URLError else error
            failures.append(f"{url}: {reason}")
            continue
        if _fits(received, checksum):
            os.replace(part, path)
            return
        failures.append(f"{url}: wrong checksum {received}")
    raise Problem(
        mark("'{name}' could not be downloaded ({failures}); try again later, or put the file at {path} by hand."),
        name=path.name,
        failures="; ".join(failures),
        path=path,
    )


def _no_space(path: Path) -> Problem:
    return Problem(
        mark(
            "There is no space for '{name}' in '{folder}'; free some, or set DTML_HOME to a larger disk; what has "
            "arrived is kept."
        ),
        name=path.name,
        folder=path.parent,
    )


def _received(url: str, part: Path, checksum: str, report: Callable[[float], None]) -> str:
    """Download `part`; its digest. A wrong one is removed, and fetched again where its beginning was old."""
    resumed = part.exists()
    _download(url, part, report)
    digest = _digest(part, checksum)
    if _fits(digest, checksum):
        return digest
    part.unlink()
    return _received(url, part, checksum, report) if resumed else digest


def _download(url: str, part: Path, report: Callable[[float], None]) -> None:
    """Append to `part` what is missing of it; begins anew where the server cannot go on."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if not have or error.code != 416:
            raise
        return  # as long as what the server has, or longer: its digest tells
    with response:
        goes_on = response.status == 206
        _write(response, part, have if goes_on else 0, report)


def _write(response: HTTPResponse, part: Path, have: int, report: Callable[[float], None]) -> None:
    length = int(response.headers.get("Content-Length") or 0)
    if length > shutil.disk_usage(part.parent).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    done = have
    with part.open("ab" if have else "wb") as file:
        while chunk := response.read(CHUNK):
            file.write(chunk)
            done += len(chunk)
            report(done / (have + length) if length else 0.0)
    if length and done < have + length:
        raise OSError("the connection ended early")


def _digest(path: Path, checksum: str) -> str:
    """The file's digest of the kind that `checksum` names, written like it."""
    kind = checksum.split(":")[0]
    with path.open("rb") as file:
        return f"{kind}:{hashlib.file_digest(file, kind).hexdigest()}"


def _fits(digest: str, checksum: str) -> bool:
    return digest.startswith(checksum.lower())
