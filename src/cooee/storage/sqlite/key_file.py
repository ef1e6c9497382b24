"""KeyFile: the secret beside a database file, by which forgotten people are known again."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cooee.core.errors import StorageError
from cooee.storage.forget_key import KEY_BYTES, key_check
from cooee.storage.sqlite.file_errors import explain_open_error


class KeyFile:
    """The key file of a database: made when the first person is forgotten, and never changed.

    Attributes:
        path: the file.
    """

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".key")
        self._key = b""

    def read(self) -> bytes:
        """Return the key; b"" where there is no file, or an empty one.

        Raises:
            StorageError: the file cannot be read, or is no key.
        """
        if not self._key:
            try:
                key = self.path.read_bytes()
            except FileNotFoundError:
                return b""
            except OSError as error:
                raise StorageError(explain_open_error(self.path, error)) from error
            if key and len(key) != KEY_BYTES:
                raise StorageError(
                    f"{self.path} is damaged: it has {len(key)} bytes instead of {KEY_BYTES}. Put"
                    " it back from your own copy."
                )
            self._key = key
        return self._key

    def is_empty(self) -> bool:
        """Tell whether the file is there without a key, which gives the old key up."""
        return self.path.is_file() and not self.path.stat().st_size

    def read_or_make(self) -> bytes:
        """Return the key; make it where there is none.

        Raises:
            StorageError: the file can be neither read nor made.
        """
        return self.read() or self._make()

    def keep(self, key: bytes) -> None:
        """Keep a key of another database, of which this is a copy.

        Raises:
            StorageError: there is another key already, or the file cannot be made.
        """
        if (self.read() or self._make(key)) != key:
            raise StorageError(f"{self.path} is the key of another database. Move it away.")

    def _make(self, key: bytes = b"") -> bytes:
        """Make the file whole or not at all; another process may be quicker."""
        draft = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, key or secrets.token_bytes(KEY_BYTES))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._publish(draft)
            _sync_folder(self.path.parent)
        except OSError as error:
            raise StorageError(explain_open_error(self.path, error)) from error
        finally:
            draft.unlink(missing_ok=True)
        if not self.read():
            raise StorageError(f"{self.path} is empty. Start the app again, or remove the file.")
        return self._key

    def _publish(self, draft: Path) -> None:
        """Give the draft its name; a key that has it already stays."""
        try:
            self.path.hardlink_to(draft)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            if self.path.exists():
                return
            draft.rename(self.path)


def find_key_problem(file: KeyFile, check: int | None) -> str:
    """Return a sentence on why a database's key is of no use, with the remedy; "" for a good key.

    Args:
        file: the key file of the database.
        check: the number by which the database knows its key; None where it needs none.

    Raises:
        StorageError: the file cannot be read, or is no key.
    """
    key = b"" if check is None else file.read()
    if check is None or (key and key_check(key) == check):
        return ""
    if key:
        return f"{file.path} belongs to another database. Put back the one that belongs to this."
    return (
        f"{file.path} is missing, and without it no forgotten person who opted out is known again."
        f" Put it back from your own copy. To give those opt-outs up, type: : > '{file.path}'"
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
