"""Everything that can go wrong, one class for each decision a caller can make.

CooeeError
├── DefinitionError        the app's code is wrong: mend the lines it shows
├── SettingError           a setting is missing or wrong: type the line it shows
├── NotRunning             no runtime is behind this app yet: start one first
├── TooLong                a text needs more segments than the app allows: shorten it
├── StateError             stored state does not fit the app's class: mend the class
├── ProviderFailure        the company said no, or said nothing
│   ├── TemporaryFailure   nothing was done: try again, after `retry_after`
│   ├── PermanentFailure   trying again will not help
│   │   └── OptedOut       this person does not want our texts
│   ├── Unauthorized       log in again, once
│   └── OutcomeUnknown     it may have been done: settle it, never repeat it blindly
├── DialogueError          a dialogue cannot go on as its code is: mend the line it shows
│   ├── NotDeterministic   the same program went another way: clock, chance or I/O outside `once`
│   ├── AmbiguousQuestion  two places ask the same: give a key, or scope one by `chat.part`
│   ├── DuplicateOnce      two places do the same once: give each a key
│   ├── ForeignAwait       something other than cooee's was awaited: put it inside `once`
│   ├── NotAwaited         `chat.ask(…)` and no await before it
│   ├── NoDialogue         asking in a handler that is none, or with a chat of the past
│   └── Unstorable         an answer or a result that cannot be written down
├── JournalError           a stored dialogue cannot be used: its turn is set aside
│   ├── JournalTooNew      a newer cooee wrote it: upgrade
│   └── JournalUnreadable  it is damaged
├── CannotGoBack           there is no answer to take back
├── Unanswered             what a question may come to instead of an answer: catch it, or it ends
│   ├── NoReply            the time was up
│   ├── TooManyAttempts    none of the answers was understood
│   └── Ended              `chat.end()`
├── OnceFailed             what was to be done once has failed: catch it, or the turn is retried
│   ├── OnceUnknown        it was begun and nobody knows how it ended
│   └── ResultLost         it was done, and its result could not be stored
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


class TooLong(CooeeError):
    """A text needs more segments than the app allows; nothing of it is sent."""


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
        super().__init__(message)
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


class DialogueError(CooeeError):
    """A dialogue cannot go on as its code is; the message shows the line."""


class NotDeterministic(DialogueError):
    """The same program, given the same answers, went another way than before."""


class AmbiguousQuestion(DialogueError):
    """Two places in one dialogue ask the same, so an edit could swap their answers."""


class DuplicateOnce(DialogueError):
    """Two things to be done once have the same key, and the second would never be done."""


class ForeignAwait(DialogueError):
    """A dialogue awaited something that a replay cannot wait for."""


class NotAwaited(DialogueError):
    """A dialogue asked without awaiting the answer."""


class NoDialogue(DialogueError):
    """A verb of dialogues, on a chat that is in none or whose turn is over."""


class Unstorable(DialogueError):
    """A value that cannot be written down and read again."""


class JournalError(CooeeError):
    """A stored dialogue cannot be used; nothing of it is overwritten."""


class JournalTooNew(JournalError):
    """A stored dialogue was written by a newer cooee."""


class JournalUnreadable(JournalError):
    """A stored dialogue is damaged."""


class CannotGoBack(CooeeError):
    """There is no answer that could be taken back."""


class Unanswered(CooeeError):
    """What a question came to instead of an answer; uncaught, it ends the dialogue."""


class NoReply(Unanswered):
    """The time to answer was up."""


class TooManyAttempts(Unanswered):
    """No answer was understood, as often as the question was to be asked."""


class Ended(Unanswered):
    """The handler ended the dialogue itself."""


class OnceFailed(CooeeError):
    """What was to be done once raised an error.

    Caught, it is recorded, and every replay raises it again with the same words. Uncaught, it
    fails the turn, and what was to be done is tried again with it.
    """


class OnceUnknown(OnceFailed):
    """It was begun in an earlier attempt, and how that ended is not known."""


class ResultLost(OnceFailed):
    """It was done, its result could not be stored, and it is not done again."""


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
