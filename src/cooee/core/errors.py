"""Everything that can go wrong, one class for each decision a caller can make.

CooeeError
├── DefinitionError        the app's code is wrong: mend the lines it shows
├── SettingError           a setting is missing or wrong: type the line it shows
├── NotRunning             no runtime is behind this app yet: start one first
├── StateError             stored state does not fit the app's class: mend the class
├── ProviderFailure        the company said no, or said nothing
│   ├── TemporaryFailure   nothing was done: try again, after `retry_after`
│   ├── PermanentFailure   trying again will not help
│   │   └── OptedOut       this person does not want our texts
│   ├── Unauthorized       log in again, once
│   └── OutcomeUnknown     it may have been done: settle it, never repeat it blindly
├── RequestRefused         a webhook that is not to be believed: answer with `status`
└── StorageError           the database said no
    ├── StoreUnavailable   locked or full, nothing was written: try again later
    ├── DatabaseInUse      another process owns this database
    └── SchemaTooNew       a newer cooee wrote this database: upgrade
"""

from __future__ import annotations


class CooeeError(Exception):
    """The root of every error that cooee raises on purpose."""


class DefinitionError(CooeeError):
    """The app's code contradicts itself; the message shows the lines."""


class SettingError(CooeeError):
    """A setting is missing or wrong; the message shows the line to type."""


class NotRunning(CooeeError):
    """The app was asked to send before a runtime carried it."""


class StateError(CooeeError):
    """A person's stored state cannot be read as the app's class."""


class ProviderFailure(CooeeError):
    """A provider's failure in our words, with the provider's own kept beside them.

    Args:
        message: what happened, and what to do next.
        code: the provider's own code, such as ``"TO-MSISDN-NOT-VALID"``.
        status: the HTTP status, 0 where there was no answer.
        hint: what usually mends it.
    """

    def __init__(self, message: str, *, code: str = "", status: int = 0, hint: str = "") -> None:
        super().__init__(message, code, status, hint)
        self.message, self.code, self.status, self.hint = message, code, status, hint

    def __str__(self) -> str:
        own = " ".join(str(part) for part in (self.status or "", self.code) if part)
        return self.message + (f" [{own}]" if own else "") + (f" {self.hint}" if self.hint else "")


class TemporaryFailure(ProviderFailure):
    """Nothing was done, and later it may work; `retry_after` is in seconds."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int = 0,
        hint: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status, hint=hint)
        self.retry_after = retry_after


class PermanentFailure(ProviderFailure):
    """Nothing was done, and repeating the same request will not help."""


class OptedOut(PermanentFailure):
    """The person opted out of our texts, by the provider's word."""


class Unauthorized(ProviderFailure):
    """The credentials were not accepted: renew them and try once more."""


class OutcomeUnknown(ProviderFailure):
    """The request may have been carried out: its answer never came."""


class RequestRefused(CooeeError):
    """A webhook request that is not to be believed or not to be understood.

    Args:
        message: why, for our log; the caller learns no more than the status.
        status: the HTTP status to answer with, 4xx.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message, status)
        self.message, self.status = message, status

    def __str__(self) -> str:
        return self.message


class StorageError(CooeeError):
    """The database refused."""


class StoreUnavailable(StorageError):
    """The database is locked, full or gone for now; nothing was written."""


class DatabaseInUse(StorageError):
    """Another process owns this database file."""


class SchemaTooNew(StorageError):
    """The database was written by a newer cooee."""
