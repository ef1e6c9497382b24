"""Chat: the person's text, state and conversation, for one turn of a handler."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta, tzinfo
from random import Random
from typing import Any, Generic, Literal, Never, NoReturn, cast, overload

from msgspec import UNSET
from typing_extensions import TypeVar, Unpack

from cooee.core.app.dialogue_verbs import (
    DialogueVerbs,
    HistoryEntry,
    HistoryReader,
    InterruptedDialogue,
    OnceCall,
    Restart,
)
from cooee.core.app.question import AskOptions, Reminder, make_question, make_receive
from cooee.core.built_in_values import (
    built_in_length,
    built_in_moment,
    built_in_names,
    built_in_text,
)
from cooee.core.errors import CannotGoBack, NoDialogue
from cooee.core.messages import Inbound, Reply, as_reply

S = TypeVar("S", default=Any)
V = TypeVar("V", default=Any)
T = TypeVar("T")
D = TypeVar("D", default=Never)  # no `default` adds nothing to the answer's type

_NO_DEFAULT: Never = cast("Never", UNSET)


class Chat(Generic[S, V]):
    """A person's conversation, for the length of a turn.

    Attributes:
        state: what the app remembers of this person; change it or assign it, the turn saves it.
        services: what the app's lifespan made, once per process.
        now: when the text was sent, by the provider's clock where it can be believed; in UTC,
            and never earlier than in this person's last turn. In a dialogue: when the last
            answer was sent.
        ours: our number.
        theirs: the person's number.
    """

    __slots__ = (
        "_dialogue",
        "_find_zone",
        "_interrupted",
        "_message",
        "_read_history",
        "_replies",
        "_token",
        "_zone",
        "now",
        "ours",
        "services",
        "state",
        "theirs",
    )

    def __init__(
        self,
        *,
        state: S,
        services: V,
        now: datetime,
        message: Inbound | None,
        ours: str,
        theirs: str,
        token: str | None,
        read_history: HistoryReader,
        find_zone: Callable[[], tzinfo] = lambda: UTC,
        interrupted: InterruptedDialogue | None = None,
        dialogue: DialogueVerbs | None = None,
    ) -> None:
        self.state = state
        self.services = services
        self.now = now
        self.ours = ours
        self.theirs = theirs
        self._find_zone = find_zone
        self._zone: tzinfo | None = None
        self._message = message
        self._token = token
        self._read_history = read_history
        self._interrupted = interrupted
        self._dialogue = dialogue
        self._replies: list[Reply] = []

    @property
    def message(self) -> Inbound:
        """Return the text being answered.

        In a dialogue: the last answer; before the first one, the text that began the dialogue, in
        each round after a restart too.

        Raises:
            DialogueError: `App.start` began the dialogue, and nobody has answered yet.
        """
        return self._require_dialogue("message").message if self._message is None else self._message

    @property
    def token(self) -> str:
        """Return the id of this turn, or of this step of a dialogue; every retry has the same.

        Hand it on as an idempotency key.
        """
        return self._require_dialogue("token").token if self._token is None else self._token

    @property
    def text(self) -> str:
        """Return the words of `message`."""
        return self.message.text

    @property
    def zone(self) -> tzinfo:
        """Return the time zone in which "tomorrow 3pm" and `sleep(until=…)` are read.

        It is the only zone of the person's number, or else the app's. Where you know better, set
        it in the first line of a dialogue: ``chat.zone = ZoneInfo(chat.state.zone)``.
        """
        if self._zone is None:  # the look-up takes time, and few handlers need a zone
            self._zone = self._find_zone()
        return self._zone

    @zone.setter
    def zone(self, zone: tzinfo) -> None:
        if not isinstance(zone, tzinfo):
            raise TypeError(
                f"chat.zone = {zone!r:.80} is no time zone. Write chat.zone ="
                ' ZoneInfo("Australia/Sydney").'
            )
        self._zone = zone

    def say(self, what: str | Reply | None, *, key: str | None = None) -> None:
        """Queue a further text; texts leave in the order of the calls, the returned one last.

        All texts of a turn are sent once the turn is committed, or none is (law 2). None and the
        empty string queue nothing. In a dialogue a text is sent once: its identity is `key`, or
        its words, and the number of equal texts before it.
        """
        if self._dialogue is not None:
            self._dialogue.say(what, built_in_text(key))
            return
        reply = as_reply(what)
        if reply is not None:
            self._replies.append(reply)

    async def history(self, n: int = 10) -> Sequence[HistoryEntry]:
        """Return the last `n` texts of this conversation, oldest first; `message` is the last.

        A reply stands behind the text that it answers, however late it was written, and no text
        that came after `message` is there. Texts of ours that were withdrawn, refused or expired
        were never sent, and are left out.

        In a dialogue: ``await chat.once(chat.history, 10)``.
        """
        if self._dialogue is not None:
            self._dialogue.may_recall()
        return await self._read_history(n)

    # For an always-keyword, while a question waits

    @property
    def question(self) -> str | None:
        """Return the prompt waiting for this person's answer, or None."""
        return None if self._interrupted is None else self._interrupted.question

    def back(self) -> None:
        """Undo the last answer to the waiting dialogue, and ask again.

        Raises:
            CannotGoBack: there is no answer yet, a `once` has run since, or no question waits.
        """
        if self._interrupted is None:
            raise CannotGoBack("No question waits, so there is no answer to take back.")
        self._interrupted.back()

    def leave(self) -> bool:
        """End the waiting dialogue, for a word like NEVERMIND; False without one."""
        if self._interrupted is not None:
            self._interrupted.leave()
        return self._interrupted is not None

    # In a dialogue only

    @overload
    def ask(
        self, prompt: str, *, default: D = ..., **options: Unpack[AskOptions]
    ) -> Awaitable[str | D]: ...
    @overload
    def ask(
        self,
        prompt: str,
        type: type[T] | Callable[[str], T],
        *,
        default: D = ...,
        **options: Unpack[AskOptions],
    ) -> Awaitable[T | D]: ...
    @overload
    def ask(
        self, prompt: str, type: Any, *, default: Any = ..., **options: Unpack[AskOptions]
    ) -> Awaitable[Any]: ...
    def ask(
        self,
        prompt: str,
        type: Any = str,
        *,
        default: Any = _NO_DEFAULT,
        **options: Unpack[AskOptions],
    ) -> Awaitable[Any]:
        """Ask a question and wait for the answer, even for weeks: ``await chat.ask("Name?")``.

        Args:
            prompt: the question's words. They identify the answer too, so where they change from
                run to run (an f-string) give a `key`.
            type: int, float, Decimal, bool, date, time, datetime, Birthday, ZoneInfo,
                PhoneNumber, Email, an Enum, a Literal, or any callable of one text. A wrong answer
                raises ValueError, LookupError, ArithmeticError or TypeError; any other error fails
                the turn.
            default: the answer where none comes before the `timeout`; a value that can be kept.
            options: see `AskOptions`.

        Raises:
            NoReply: the time is up and there is no default.
            TooManyAttempts: no answer was understood.
        """
        # Each replay runs this line for every answer, so it spares a call.
        verbs = self._dialogue or self._require_dialogue("ask")
        return verbs.question(make_question(prompt, type, None, default, options))

    def choose(
        self,
        prompt: str,
        options: Sequence[str],
        *,
        default: D = _NO_DEFAULT,
        **how: Unpack[AskOptions],
    ) -> Awaitable[str | D]:
        """Ask for an option of several; people answer by number, word, prefix or likely typo.

        The menu is numbered below the prompt, eight options a page. The journal records the
        option's words, not its number.

        Args:
            prompt: as with `ask`.
            options: the words to choose from.
            default: as with `ask`.
            how: see `AskOptions`.
        """
        verbs = self._require_dialogue("choose")
        return verbs.question(make_question(prompt, str, options, default, how))

    def confirm(
        self, prompt: str, *, default: D = _NO_DEFAULT, **options: Unpack[AskOptions]
    ) -> Awaitable[bool | D]:
        """Ask for a yes or a no, in people's words; `fresh` unless told otherwise.

        Args:
            prompt: as with `ask`.
            default: as with `ask`.
            options: see `AskOptions`.
        """
        # A "yes" that was texted before the question was sent agrees to something else.
        options.setdefault("fresh", True)
        verbs = self._require_dialogue("confirm")
        return verbs.question(make_question(prompt, bool, None, default, options))

    def receive(
        self,
        *,
        key: str | None = None,
        timeout: timedelta | None = None,
        remind: Reminder | Sequence[Reminder] | None = None,
        default: D = _NO_DEFAULT,
        settle: timedelta | float | None = None,
    ) -> Awaitable[str | D]:
        """Wait for any text, without asking.

        Args:
            key: the identity of the text in the journal, in place of its position.
            timeout: as in `AskOptions`.
            remind: as in `AskOptions`, always with a text.
            default: as with `ask`.
            settle: how long (seconds, or a timedelta) the person has to be silent: a burst
                ("hi", "it's", "me") is then one answer, a line for each text.
        """
        verbs = self._require_dialogue("receive")
        return verbs.question(make_receive(key, timeout, remind, default, settle))

    @overload
    def once(
        self,
        call: Callable[..., Awaitable[T]],
        /,
        *args: Any,
        key: str | None = ...,
        was: str | Sequence[str] | None = ...,
        unknown: Literal["again", "raise"] = ...,
        **kwargs: Any,
    ) -> Awaitable[T]: ...
    @overload
    def once(
        self,
        call: Callable[..., T],
        /,
        *args: Any,
        key: str | None = ...,
        was: str | Sequence[str] | None = ...,
        unknown: Literal["again", "raise"] = ...,
        **kwargs: Any,
    ) -> Awaitable[T]: ...
    def once(
        self,
        call: Callable[..., Any],
        /,
        *args: Any,
        key: str | None = None,
        was: str | Sequence[str] | None = None,
        unknown: Literal["again", "raise"] = "again",
        **kwargs: Any,
    ) -> Awaitable[Any]:
        """Run a side effect, which no replay repeats: ``ref = await chat.once(reserve, db, day)``.

        The result is recorded, and every later run gets it from the journal. The function should
        take `token=chat.token` as an idempotency key, since a crash in the middle repeats it. A
        parameter of its own that is called `key`, `was` or `unknown` is filled by
        ``functools.partial(function, key=…)``.

        Args:
            call: a function, sync or async.
            key: the identity of the result, in place of the function's name; needed in loops.
            was: the function's former name or key, or several, so that a deed which was done
                under it is not done again; ``()`` says that this is another deed.
            unknown: after a crash in the middle, call it "again" or "raise" OnceUnknown.
            args: its arguments.
            kwargs: its arguments by name.

        Raises:
            OnceFailed: the function raised. Caught, the failure is recorded; uncaught, the turn
                is retried.
            ResultLost: the function returned a value that cannot be stored.
        """
        verbs = self._require_dialogue("once")
        names = built_in_text(key), built_in_names(was)
        return verbs.once(OnceCall(call, args, kwargs, *names, unknown))

    def sleep(
        self,
        length: timedelta | None = None,
        *,
        until: datetime | None = None,
        key: str | None = None,
    ) -> Awaitable[None]:
        """Wait for a timer; the dialogue is not in memory meanwhile.

        Args:
            length: how long: more than nothing, and up to 100 years.
            until: or until when; without a time zone, in the person's own. A moment that has
                passed is over at once.
            key: the identity of the sleep, in place of these.
        """
        verbs = self._require_dialogue("sleep")
        return verbs.sleep(built_in_length(length), built_in_moment(until), built_in_text(key))

    def part(self, name: str) -> AbstractContextManager[None]:
        """Scope the keys of the questions inside: ``with chat.part("guest"): …``."""
        return self._require_dialogue("part").part(built_in_text(name))

    def end(self, what: str | Reply | None = None) -> NoReturn:
        """End the dialogue here, with a last text."""
        self._require_dialogue("end").end(what)

    def restart(self) -> Restart:
        """Begin the dialogue anew, with the present state: ``return chat.restart()``."""
        return self._require_dialogue("restart").restart()

    @property
    def random(self) -> Random:
        """Return a random generator with the same numbers in every replay."""
        return self._require_dialogue("random").chance

    def _require_dialogue(self, verb: str) -> DialogueVerbs:
        if self._dialogue is None:
            raise NoDialogue(
                f"chat.{verb} is for dialogues. Write @app.dialogue(…) above this handler in place"
                " of @app.on(…), and `async def`."
            )
        return self._dialogue

    def __repr__(self) -> str:  # no number, no words
        return f"<Chat turn {self.token[:8]}>"
