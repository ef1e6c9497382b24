"""A conversation held for real: the driver, a store of bytes, kills, edits, and a person."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from cooee.core.app.state_codec import StateCodec
from support.random_edits.engine import Engine
from support.random_edits.memory import (
    RESTART,
    UNION,
    Item,
    Known,
    Memory,
    Text,
    change,
    compiled,
    merged,
)
from support.random_edits.programs import Maker, Tape, ambiguous, edited, render, reworded


@dataclass
class State:
    n: int = 0
    s: str = ""
    rounds: int = 0
    log: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


CODEC = StateCodec(State)
OURS, THEIRS = "+61491570006", "+61491570156"
HOUR = timedelta(hours=1)


class Killed(Exception):
    pass


class Version:
    """One program, compiled for the driver and for memory."""

    def __init__(self, program: Any, do: Any) -> None:
        self.program, self.source = program, render(program)
        self.ambiguous = ambiguous(program)
        self.name = blake2b(self.source.encode(), digest_size=8).hexdigest()
        self.handler = compiled(self.source, do)


class World:
    """Plays a tape. Every check is an assert; `log` says what led to it.

    Edits that are `unseen` leave the code version as it is (replay rule 10).
    """

    def __init__(
        self,
        engine: Engine,
        tape: Tape,
        *,
        edits: bool,
        unseen: bool = False,
        flow: bool = False,
    ) -> None:
        self.engine, self.tape, self.edits = engine, tape, edits
        self.maker = Maker(tape, unseen, flow)
        self.now = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
        self.log: list[str] = []
        self.executed: Counter[str] = Counter()
        self.committed: set[str] = set()
        self.sent: list[tuple[int, str]] = []
        self.keys: set[str] = set()
        self.said: dict[str, int] = {}
        self.undone: set[str] = set()  # said after an answer that was taken back,
        self.undone_place: Any = None  # the last of them to this question
        self.retries, self.wrong, self.words = 0, 0, 1
        self.known = Known()
        self.old = self.version = Version(self.maker.program(), self.do)
        self.state = CODEC.encode(State())
        self.begun: dict[str, int] = {}
        self.last_version = ""
        self.ended, self.changes_made, self.went_back = False, 0, False
        journal = engine.replay.new_journal("d1", "handler", {}, self.state, self.now)
        self.head, self.entries = engine.journal.encode_head(journal), list[bytes]()

    def do(self, tag: str, former: Any = ()) -> str:
        self.executed[tag] += 1
        assert self.committed.isdisjoint({tag, *former}), f"(c) {tag} ran again"
        return f"{tag}#{self.executed[tag]}"

    # The play

    def play(self) -> None:
        self.turn(None)
        for _ in range(40):
            if self.ended or self.tape.over:
                break
            self.act()
        for _ in range(400):
            if self.ended:
                break
            self.answer(wrong=False)
        assert self.ended, "(d) it never ends"
        if not self.changes_made and not self.went_back:
            self.check_transcript()

    def act(self) -> None:
        choice = self.tape.pick(28)
        if choice < 9:
            self.answer(wrong=False)
        elif choice < 11:
            self.answer(wrong=True)
        elif choice < 16:
            self.another_handler()
        elif choice < 17:
            self.quick()
        elif choice < 18:
            self.back()
        elif choice < 19:
            self.now += HOUR * self.tape.pick(13)
            self.turn(None)
        elif choice < 20:
            self.another_dialogue() if self.tape.chance(60) else self.opted_out()
        elif self.edits:
            self.edit()

    def edit(self) -> None:
        self.old = self.version
        program = self.version.program
        if self.known.waiting is not None and self.tape.pick(3) == 1:
            program = reworded(program, self.known.waiting[2])
        else:
            for _ in range(1 + self.tape.pick(3)):
                program = edited(program, self.maker)
        self.version = Version(program, self.do)
        self.changes_made += 1
        self.log.append(f"EDIT\n{self.version.source}")

    def another_handler(self) -> None:
        state = CODEC.decode(self.state)[0]
        before = self.engine.state_snapshot.StateSnapshot(state, self.state)
        self.words += 1
        name, value = self.some_change(state)
        change(state, name, value)
        raw = CODEC.encode(state)
        diff = before.diff_to(state, raw)
        journal = self.engine.journal.add_state_change(self.journal(), diff, self.now)
        self.store(journal, journal.entries[len(self.entries) :])
        self.state = raw
        self.known.changes.append((self.known.next(), name, value))
        self.log.append(f"OTHER {name} {value}")

    def some_change(self, state: State) -> tuple[str, Any]:
        pick = self.tape.pick
        what = pick(9)
        if what < 4:
            return [("s", f"x{self.words}"), ("n", 100), ("n", 100), ("log", f"x{self.words}")][
                what
            ]
        if what == 4 or not state.items:
            return "items", Item.named(f"x{self.words}")
        if what == 5:
            return "front", Item.named(f"x{self.words}")
        if what == 6 and not self.edits:
            return "turn", None
        return ("mark", "mark", "drop")[what - 6], state.items[pick(len(state.items))].name

    def another_dialogue(self) -> None:
        """It asks something, some time passes, and it is over."""
        if self.known.waiting is None:
            return
        self.log.append("PARKED")
        self.store(self.engine.journal.pause_question(self.journal()), ())
        for _ in range(self.tape.pick(3)):
            if self.edits and self.tape.chance(30):
                self.edit()
            self.now += HOUR * self.tape.pick(13)
            self.turn(None)
            if self.ended:
                return
        self.resume_question()

    def opted_out(self) -> None:
        """STOP and START: meanwhile time passes and code changes, and no text is an answer."""
        self.log.append("STOP")
        for _ in range(self.tape.pick(3)):
            if self.edits and self.tape.chance(30):
                self.edit()
            self.now += HOUR * self.tape.pick(13)
            self.turn(None)
            if self.ended:
                return
        if self.known.waiting is not None and self.known.waiting[0] != "sleep":
            self.resume_question()

    def resume_question(self) -> None:
        self.log.append("COMES BACK")
        self.store(self.engine.journal.resume_question(self.journal()), ())
        self.known.re_ask = True
        self.turn(None)

    def back(self) -> None:
        order = {found.seq: place for place, found in self.known.answers.items()}
        last = max(order, default=0)
        onces = [seq for seq in self.begun.values() if seq > last]
        try:
            journal = self.engine.journal.undo_last_answer(self.journal(), self.now)
        except self.engine.errors.CannotGoBack:
            assert not last or onces
            return
        assert last and not onces, "(c) BACK over a once"
        self.went_back = True
        self.log.append(f"BACK over {order[last]}")
        del self.known.answers[order[last]]
        self.known.early.pop(order[last], None)
        self.undone |= {words for words, seq in self.said.items() if seq >= last}
        self.undone_place = order[last]
        self.said = {words: seq for words, seq in self.said.items() if seq < last}
        self.known.waiting, self.known.frontier = None, order[last]
        self.store(journal, journal.entries[len(self.entries) :])
        self.turn(None)

    def quick(self) -> None:
        """Two texts at once: the second was sent before what the first one leads to."""
        received_at = self.now
        self.answer(wrong=False)
        if not self.ended and self.known.waiting and self.known.waiting[0] == "ask":
            self.answer(wrong=False, received_at=received_at - HOUR)

    def answer(self, *, wrong: bool, received_at: datetime | None = None) -> None:
        if self.known.waiting is None or self.known.waiting[0] == "sleep":
            self.now += HOUR * 6
            self.turn(None)
            return
        self.now += timedelta(minutes=7)
        self.words += 1
        words = "???" if wrong else self.proper()
        text = Text(words, self.known.waiting, self.known.asked_at, received_at or self.now)
        self.turn(text)

    def proper(self) -> str:
        """A text that fits the question as it was shown."""
        kind, options = self.shown
        if kind == "int":
            return str(self.words + 1)
        if kind == "yes":
            return ("yes", "no")[self.tape.pick(2)]
        if kind == "pick":
            return (
                (*options, "2")[self.tape.pick(len(options) + 1)]
                if len(options) > 1
                else options[0]
            )
        return f"w{self.words}"

    # One turn, however often it is killed

    def turn(self, text: Text | None) -> None:
        engine = self.engine
        self.known.text = text
        message = "" if text is None else f"m{self.words}"
        event = text and engine.questions.IncomingText(
            text.words, message, self.now, text.received_at
        )
        for attempt in range(4):
            version = self.old if self.edits and self.tape.chance(12) else self.version
            if version is not self.version:
                self.log.append("an old worker:")
            self.log.append(f"TURN {text} {self.now}")
            context = engine.dialogue_context.DialogueContext(
                function=version.handler,
                codec=CODEC,
                services=None,
                ours=OURS,
                theirs=THEIRS,
                find_zone=lambda: UTC,
                code_version=self.version_name(version),
                read_history=None,
                strict=not version.ambiguous,
            )
            try:
                outcome = self.flow(
                    engine.replay.run_turn(
                        context, self.claimed_journal(), event, self.now, self.state
                    ),
                    version,
                    attempt,
                )
            except Killed:
                self.log.append("killed")
                if self.edits and self.tape.chance(50):
                    self.edit()
                continue
            if not outcome.ended:
                engine.replay.check_replay(context, outcome, self.now)
            self.commit(outcome, version)
            return

    def version_name(self, version: Version) -> str:
        return "one" if self.maker.unseen else version.name

    def flow(self, flow: Any, version: Version, attempt: int) -> Any:
        engine, sent = self.engine, None
        try:
            while True:
                effect = flow.send(sent)
                self.kill(attempt)
                self.store(self.journal(), effect.entries)
                if isinstance(effect, engine.replay.CallOnce):
                    self.learn(version)
                    tag = self.begun_name(*effect.args)
                    self.begun.setdefault(tag, self.known.next())
                    self.kill(attempt)
                    sent = engine.replay.CallResult(effect.function(*effect.args))
                    self.result = (tag, sent.value)
                else:
                    tag, value = self.result
                    self.committed.add(tag)
                    self.known.results[tag] = (self.begun[tag], value)
                    sent = None
                self.kill(attempt)
        except StopIteration as done:
            self.kill(attempt)
            return done.value
        finally:
            flow.close()

    def begun_name(self, name: str, former: list[str]) -> str:
        """The name under which a once was begun before it was cut off; else its name of today."""
        return next((one for one in (name, *former) if one in self.begun), name)

    def kill(self, attempt: int) -> None:
        if attempt < 3 and self.tape.chance(8):
            raise Killed

    def learn(self, version: Version) -> Memory:
        """What was committed is known from here on."""
        memory = Memory(self.known, self.now).run(version.handler)
        self.known = memory.known
        self.wrong += memory.wrong
        return memory

    # The store

    def journal(self) -> Any:
        return self.engine.journal.decode_journal(self.head, self.entries)

    def claimed_journal(self) -> Any:
        """The journal as a claim has it: the text of its question went out when it was asked."""
        journal = self.journal()
        if journal.waiting is None:
            return journal
        known = self.engine.question_texts.with_question_text(journal.waiting, None, self.now)
        return replace(journal, waiting=known)

    def store(self, journal: Any, new: Any) -> None:
        self.entries += [self.engine.journal.encode_entry(entry) for entry in new]
        self.head = self.engine.journal.encode_head(journal)

    def commit(self, outcome: Any, version: Version) -> None:
        before = self.state
        self.store(outcome.journal, outcome.entries)
        assert self.journal() == outcome.journal
        if outcome.state is not None:
            self.state = outcome.state
        texts = [said.reply.text for said in outcome.texts]
        self.log.append(f"-> {texts} {outcome.ended} {outcome.state}")
        for said in outcome.texts:
            assert said.key not in self.keys, "(b) a key twice"
            self.keys.add(said.key)
        self.check(outcome, version, texts, before)

    # The promises

    def check(self, outcome: Any, version: Version, texts: list[str], before: bytes) -> None:
        waited, text, again = self.known.waiting, self.known.text, self.known.re_ask
        self.known.re_ask = False
        memory = self.learn(version)
        wrong = memory.wrong
        if self.known.text is not None:  # its question was not met
            if memory.returned is None and waited not in memory.met:
                self.known.held_texts[waited] = text
            self.known.text = None
        self.check_texts(memory, texts, waited, wrong=wrong, again=again)
        self.check_place(outcome, memory)
        caught_up = self.known.frontier in {None, *memory.met} or memory.returned is not None
        stated = expected = vars(memory.state)
        if not caught_up:
            stored = vars(CODEC.decode(before)[0])
            diverged = any("outside of the code" in each for each in outcome.warnings)
            same_code = not diverged and self.version_name(version) == self.last_version
            expected = merged(self.known, stored, stated, same_code=same_code)
            caught_up = expected == stated
        self.known.replayed = None if caught_up else copy.deepcopy(stated)
        self.known.change_count, self.last_version = (
            len(self.known.changes),
            self.version_name(version),
        )
        saved = vars(CODEC.decode(self.state)[0])
        for name, value in expected.items():
            if value is UNION:
                both = {str(each) for each in (*stored[name], *stated[name]) if name == "log"}
                both |= {each.name for each in (*stored[name], *stated[name]) if name == "items"}
                found = {getattr(each, "name", each) for each in saved[name]}
                assert both == found, f"(e) {name} {saved[name]}, not {both}"
            else:
                assert saved[name] == value, f"(e) state {saved}, not {expected}"
        place, _, kind, options = memory.stopped or (None, "", "", ())
        self.shown = (kind, options)
        if place != waited or place == memory.stale:
            self.known.asked_at = self.now
        self.known.waiting = place
        if wrong and place != waited:
            self.known.asked_at = self.now
        if caught_up:
            self.known.frontier = place
        if memory.returned is RESTART:
            self.restart(outcome)
        elif memory.returned is not None:
            self.ended = True
            assert texts and texts[-1] == memory.returned, f"(g) {texts} not {memory.returned}"

    def check_place(self, outcome: Any, memory: Memory) -> None:
        waiting = outcome.journal.waiting
        if memory.returned is not None:
            ended = "restarted" if memory.returned is RESTART else "returned"
            ended = ended if memory.over is None else "ended"
            assert outcome.ended == ended, f"it waits for {waiting}, not the end"
            return
        assert waiting is not None, f"it ended, and should wait for {memory.stopped}"
        assert tuple(waiting.key) == memory.stopped[0], (
            f"(a, g) waits for {waiting.key}, not {memory.stopped}"
        )

    def check_texts(
        self, memory: Memory, texts: list[str], waited: Any, *, wrong: bool, again: bool
    ) -> None:
        prompts = [words for words in texts if words[0] == "Q"]
        retries = [
            words for words in texts if (words[0] in "PS" and "lease" in words) or "Sorry" in words
        ]
        says = [words for words in texts if words not in prompts and words not in retries]
        place, words, _, _ = memory.stopped or (None, "", "", ())
        asked = place == waited and place != memory.stale and not again
        expected = [words] if words and not asked and not wrong else []
        assert [prompt.partition("\n")[0] for prompt in prompts] == expected, (
            f"(a) prompts {prompts}, not {expected}"
        )
        assert len(retries) == wrong, f"retries {retries}"
        names = [one.partition(" ")[0] if one[0] == "T" else one for one in says]
        for name in names:
            assert name not in self.said, f"(b) {name} twice"
        expected = [name for name in memory.tail if name not in self.said]
        # Back at the question whose answer was taken back, what stands before it is not repeated.
        silent = [name for name in expected if name in self.undone and place == self.undone_place]
        expected = [name for name in expected if name not in silent]
        assert names == expected, f"(b) said {names}, not {expected}"
        self.said.update(dict.fromkeys((*names, *silent), self.known.seq))
        self.undone.difference_update(names, silent)
        self.known.unfinished = memory.still_unfinished()
        self.known.finished_seq = self.known.seq
        new = texts if place != waited else [words for words in texts if words not in prompts]
        self.sent += [(self.known.seq, words) for words in new if words not in retries]

    def restart(self, outcome: Any) -> None:
        """The next round: nothing is known but the state."""
        self.log.append("RESTART")
        if not self.changes_made and not self.went_back:
            self.check_transcript()
        journal = self.engine.replay.next_round(outcome)
        self.head, self.entries = self.engine.journal.encode_head(journal), []
        self.known = Known(**copy.deepcopy(vars(CODEC.decode(self.state)[0])))
        self.said, self.sent, self.begun, self.committed = {}, [], {}, set()
        self.undone, self.undone_place = set(), None
        self.turn(None)

    def check_transcript(self) -> None:
        """Without edits: word for word what the handler says in memory."""
        memory = Memory(self.known, self.now).run(self.version.handler)
        sent = [words.partition("\n")[0] for _, words in self.sent]
        assert sent == memory.transcript, f"(f) {sent}\nnot {memory.transcript}"
