"""Storage of media files: a folder, or any URL that fsspec opens."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cooee.core.errors import SettingError

# The only endings that a file of ours can have. Types that a browser would run are not here.
_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/jpg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    "audio/amr": ".amr",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/wav": ".wav",
    "audio/3gpp": ".3gp",
    "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "text/calendar": ".ics",
}


class MediaStorage:
    """Stores files under random names, so that no sender chooses one.

    Files are readable by their owner alone. Elsewhere the place's own rights apply.

    Args:
        place: a folder, made when it is first needed, or a URL such as ``s3://bucket/media``.

    Raises:
        SettingError: it is a URL, and fsspec or its part for that kind is not installed.
    """

    def __init__(self, location: str) -> None:
        self.location = location.removeprefix("file://").rstrip("/") or "/"
        self._run_remote = _remote_runner(self.location) if "://" in self.location else None

    def new_path(self, content_type: str) -> str:
        """Return a new path; its extension follows from the media type."""
        kind = content_type.partition(";")[0].strip().lower()
        return f"{self.location}/{secrets.token_hex(16)}{_EXTENSIONS.get(kind, '.bin')}"

    async def put(self, path: str, content: bytes) -> None:
        """Store a file whole and on disk, or raise OSError."""
        await asyncio.to_thread(self._write_file, path, content)

    async def erase(self, path: str) -> None:
        """Erase a file, if it exists; or raise OSError.

        Only what lies on this shelf is touched, whatever the path says.
        """
        if path.rpartition("/")[0] == self.location:
            await asyncio.to_thread(self._erase_file, path)

    def _write_file(self, path: str, content: bytes) -> None:
        if self._run_remote is not None:
            self._run_remote(lambda files: files.pipe_file(path, content))
            return
        Path(self.location).mkdir(mode=0o700, parents=True, exist_ok=True)
        partial_path = f"{path}.part"
        with open(partial_path, "wb", opener=_open_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(partial_path).replace(path)

    def _erase_file(self, path: str) -> None:
        if self._run_remote is not None:
            self._run_remote(lambda files: files.rm_file(path) if files.exists(path) else None)
            return
        for leftover in (path, f"{path}.part"):
            Path(leftover).unlink(missing_ok=True)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _remote_runner(location: str) -> Callable[[Callable[[Any], Any]], Any]:
    """Return a function that works on an fsspec URL, and raises only OSError."""
    try:
        import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415 -- an extra, for those who keep media elsewhere

        files, _ = fsspec.core.url_to_fs(location)
    except (ImportError, ValueError) as error:
        kind = location.partition("://")[0]
        message = (
            f"COOEE_MEDIA begins with {kind}://, and cooee cannot keep files there yet: {error}."
            " Type: pip install fsspec, with fsspec's own package for it, such as s3fs"
        )
        raise SettingError(message) from error

    def work(do: Callable[[Any], Any]) -> Any:
        try:
            return do(files)
        except OSError:
            raise
        except Exception as error:  # each kind of place has errors of its own
            raise OSError(f"{type(error).__name__} at {location}") from error

    return work
