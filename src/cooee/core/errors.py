"""Every exception cooee raises, a class for each decision a caller can make.

CooeeError
├── DefinitionError        the app's code is wrong: mend the lines that it shows
├── SettingError           a setting is missing or wrong: type the line that it shows
├── NotRunning             no runtime is behind this app yet: start one first
├── AppUnresponsive        the app's code holds its event loop: mend the line, and start again
├── StartFailed            a function below `@app.on_start` raised: mend the line that it shows
├── TooLong                a text needs more segments than the app allows: shorten it
├── NotSendable            a text that no provider could send: mend its words or its number
├── StateError             stored state does not fit the app's class: mend the class
├── ProviderFailure        the provider refused a request, or did not answer it
│   ├── TemporaryFailure   no text was sent: try again, after `retry_after`
│   ├── PermanentFailure   no text was sent: mend the text or the account, then resend
│   │   └── OptedOut       the person opted out: write no more to them
│   ├── Unauthorized       the credentials were refused: log in again, once
│   └── OutcomeUnknown     the text may have been sent: look it up, never repeat it blindly
├── DialogueError          a dialogue cannot go on as its code is: mend the line that it shows
│   ├── NotDeterministic   the same code took another path: put clock, chance and I/O into `once`
│   ├── AmbiguousQuestion  two lines ask the same: give a key, or scope one by `chat.part`
│   ├── DuplicateOnce      two lines call the same `once`: give each a key
│   ├── ForeignAwait       another library's awaitable was awaited: put it inside `once`
│   ├── NotAwaited         `chat.ask(…)` without await, `restart()` without return: write it
│   ├── NoDialogue         a dialogue's verb in another handler, or after its turn: await it there
│   └── Unstorable         a default, an input or a key that cannot be stored: give plain data
├── JournalError           a stored dialogue cannot be read: its turn is set aside
│   ├── JournalTooNew      a newer cooee wrote it: upgrade
│   └── JournalUnreadable  it is damaged: restore a backup, or forget the person
├── CannotGoBack           there is no answer to undo: tell the person
├── Unanswered             a question's end without an answer: catch it, or the dialogue ends
│   ├── NoReply            the timeout passed
│   └── TooManyAttempts    no answer was understood
├── OnceFailed             a `once` has failed: catch it, or the turn is retried
│   ├── OnceUnknown        it began in an earlier attempt, and its end is not known: look it up
│   └── ResultLost         it ended well, and its result cannot be stored: return plain data
├── RequestRefused         a webhook request is forged or malformed: answer with `status`
└── StorageError           the database refused
    ├── StoreUnavailable   locked or full, no row was written: try again later
    ├── DatabaseInUse      another process owns this database: end it, or use its `cooee.connect`
    └── SchemaTooNew       a newer cooee wrote this database: upgrade

BaseException
└── Ended                  `chat.end()` was called: let it pass, as asyncio's cancellation
"""

from __future__ import annotations


class CooeeError(Exception):
    """The root of every error raised by cooee on purpose."""


class DefinitionError(CooeeError):
    """The app's code contradicts itself; the message shows the lines."""


class SettingError(CooeeError):
    """A setting is missing or wrong; the message shows the line to type."""


class NotRunning(CooeeError):
    """The app cannot send before a runtime is started."""


class AppUnresponsive(CooeeError):
    """The app's code has stopped or blocked its event loop for good: nobody is answered."""


class StartFailed(CooeeError):
    """A function below `@app.on_start` raised, and the app stops; the cause is the exception."""


class TooLong(CooeeError):
    """A text needs more segments than the app allows; no part of the text is sent."""


class NotSendable(CooeeError):
    """A text without words, or to what is no number; no provider could send it."""


class StateError(CooeeError):
    """A person's stored state cannot be read as the app's class."""


class ProviderFailure(CooeeError):
    """A provider's failure, with the provider's own code and status.

    Args:
        message: the failure, and the next step.
        code: the provider's own code, such as ``"TO-MSISDN-NOT-VALID"``.
        status: the HTTP status; 0 without an answer.
        hint: the usual remedy.
    """

    def __init__(self, message: str, *, code: str = "", status: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.code, self.status, self.hint = message, code, status, hint

    def __str__(self) -> str:
        own = " ".join(str(part) for part in (self.status or "", self.code) if part)
        return self.message + (f" [{own}]" if own else "") + (f" {self.hint}" if self.hint else "")


class TemporaryFailure(ProviderFailure):
    """No text was sent, and a later attempt may succeed; `retry_after` is in seconds."""

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
    """No text was sent, and the same request will fail again."""


class OptedOut(PermanentFailure):
    """The person opted out of our texts; write no more to this person."""


class Unauthorized(ProviderFailure):
    """The credentials were not accepted: renew the credentials and try once more."""


class OutcomeUnknown(ProviderFailure):
    """The request may have been carried out: its answer never came."""


class DialogueError(CooeeError):
    """A dialogue cannot go on as its code is; the message shows the line."""


class NotDeterministic(DialogueError):
    """The same code took another path than before, with the same answers."""


class AmbiguousQuestion(DialogueError):
    """Two lines of a dialogue ask the same; an edit could swap their answers."""


class DuplicateOnce(DialogueError):
    """Two `once` calls have the same key, so the second would never run."""


class ForeignAwait(DialogueError):
    """A dialogue awaited another library's awaitable outside `once`."""


class NotAwaited(DialogueError):
    """A dialogue called `ask`, `sleep` or `once` without await, or `restart` without return."""


class NoDialogue(DialogueError):
    """A dialogue's verb was called in another handler, or after the turn."""


class Unstorable(DialogueError):
    """A value cannot be stored and read again."""


class JournalError(CooeeError):
    """A stored dialogue cannot be read; its records stay as they are."""


class JournalTooNew(JournalError):
    """A stored dialogue was written by a newer cooee."""


class JournalUnreadable(JournalError):
    """A stored dialogue is damaged."""


class CannotGoBack(CooeeError):
    """There is no answer to undo."""


class Unanswered(CooeeError):
    """A question ended without an answer; uncaught, this ends the dialogue."""


class NoReply(Unanswered):
    """The question's timeout passed."""


class TooManyAttempts(Unanswered):
    """No answer was understood in the question's `attempts`."""


class Ended(BaseException):
    """The handler ended the dialogue by `chat.end`.

    As with `asyncio.CancelledError`, `except Exception` does not catch it. The dialogue ends
    where any other clause catches it, too.
    """


class OnceFailed(CooeeError):
    """The function of a `once` raised an error.

    Caught, the failure is recorded, and every replay raises it again with the same message.
    Uncaught, it fails the turn, and the turn's next attempt calls the function again.
    """


class OnceUnknown(OnceFailed):
    """The `once` began in an earlier attempt, and its end is not known."""


class ResultLost(OnceFailed):
    """The `once` ended well, its result cannot be stored, and it does not run again."""


class RequestRefused(CooeeError):
    """A webhook request is forged or malformed.

    Args:
        message: the reason, for our log; the caller gets only the status.
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
    """The database is locked, full or gone for now; no row was written."""


class DatabaseLost(StoreUnavailable):
    """The database's file was removed, replaced or overwritten while the process ran on it."""


class DatabaseInUse(StorageError):
    """Another process owns this database file, or processes run on a database to be copied."""


class SchemaTooNew(StorageError):
    """The database was written by a newer cooee."""
