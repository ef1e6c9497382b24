"""The proof has teeth: each rule of ENGINE.md, switched off in the driver, is caught by it."""

from __future__ import annotations

import random

import pytest
from support.random_edits.engine import broken
from support.random_edits.programs import Tape
from support.random_edits.world import World

BREAKS = {
    "1: the state at the start is not kept": (
        "run",
        "stage.codec.decode(journal.base)",
        "stage.codec.decode(None if journal.waiting is None else stage.codec.encode(stage.codec.decode(journal.base)[0].__class__(1, '')))",
    ),
    "2: what was chosen is not held against the menu": (
        "questions",
        "return None if gone else entry",
        "return entry",
    ),
    "2: another type is not read anew": (
        "questions",
        "if reader.tag == entry.tag:",
        "if True:",
    ),
    "2: words that do not fit the new type are handed out": (
        "questions",
        "    except NotUnderstood:\n        return None\n    return replace(entry",
        "    except NotUnderstood:\n        return entry\n    return replace(entry",
    ),
    "2: the number is recorded, not the label": (
        "questions",
        "return _answered(waiting, text, read(question.reader, text.words, here))",
        "return _answered(waiting, text, text.words if question.options else read(question.reader, text.words, here))",
    ),
    "2: this program's records are not checked again behind where it stood": (
        "verbs",
        "(run.passed or not run.same)",
        "(not run.same)",
    ),
    "2: what does not fit any more is not taken out": (
        "verbs",
        'run.add(Entry("stale", entry.key, run.now, run.turn))',
        "pass",
    ),
    "2: what is asked afresh is not prompted again": (
        "verbs",
        "if afresh and text is None:",
        "if False:",
    ),
    "3: keys are words alone": (
        "run",
        "n = self._counts[key] = self._counts.get(key, 0) + 1",
        "n = 0",
    ),
    "3: parts do not scope": ("run", "(*self.parts, name)", "self.parts"),
    "3: key= is not used": (
        "verbs",
        "run.asked(question.key or question.prompt, ",
        "run.asked(question.prompt, ",
    ),
    "3: answers are remembered by position": (
        "run",
        'key: Key = ("ask", self.parts, words, 0)\n',
        "self._counts[()] = n = self._counts.get((), -1) + 1\n        return ('ask', (), '', n), False\n        key: Key = ('', (), '', 0)\n",
    ),
    "3: what is received is known by nothing": (
        "run",
        "return (kind, self.parts, words, n)",
        "return (kind, self.parts, words, 0 if kind == 'receive' else n)",
    ),
    "3: a rewording carries nothing": (
        "run",
        "if self._knows(key) or not self._knows(old):",
        "if True:",
    ),
    "3: a rewording carries what is known of the new words": (
        "run",
        "if self._knows(key) or not self._knows(old):",
        "if not self._knows(old):",
    ),
    "4: a text goes to the first question without an answer": (
        "verbs",
        "text = run.text if waiting is not None else None",
        "text = run.text",
    ),
    "4: a text for a question not reached is dropped": (
        "dialogue",
        'return "held"',
        'run.entries.pop()\n    return "held"',
    ),
    "4: a held text is looked at again and again": (
        "verbs",
        'run.add(Entry("dropped", held.key, run.now, run.turn))',
        "pass",
    ),
    "4: confirm takes what was sent before it": (
        "questions",
        "if question.fresh and text.received_at < waiting.asked_at:",
        "if False:",
    ),
    "5: the state goes on from where it was": (
        "dialogue",
        "            run.journal,\n            entries=entries,",
        "            run.journal,\n            entries=entries,\n            base=state or run.journal.base,",
    ),
    "6: a prompt goes out at each turn": ("questions", "    if not asked:\n", "    if True:\n"),
    "6: a prompt never goes out again": (
        "verbs",
        "asked=waiting is not None)",
        "asked=waiting is not None or run.turn > 3)",
    ),
    "6: a wrong answer is a record": (
        "questions",
        "if question.attempts is not None and attempts >= question.attempts:",
        "if True:",
    ),
    "6: a wrong answer gets no retry": ("questions", 'says=("retry", words)', "says=None"),
    "6: what was said in the past goes out": ("run", "self.told.fresh.clear()", "pass"),
    "7: a text goes out at each turn": (
        "dialogue",
        "if identity not in run.view.said:",
        "if True:",
    ),
    "7: texts are known by their place": (
        "told",
        '("key", key) if key else _words(said)',
        "'text'",
    ),
    "7: what is said before a once that was kept is lost": (
        "run",
        'if key[0] != "once":\n            if past and self.told.fresh:',
        "if True:\n            if True:",
    ),
    "8: an inserted question rolls the state back": (
        "dialogue",
        "state = run.state() if run.caught_up else None",
        "state = run.state()",
    ),
    "8: the state is saved at the end alone": (
        "dialogue",
        "state = run.state() if run.caught_up else None",
        "state = run.state() if ended else None",
    ),
    "8: others' changes are overwritten": (
        "run",
        "chat.state, self.extras = lay_on(codec, chat.state, self.extras, changes)",
        "pass",
    ),
    "8: others' changes count from the beginning": (
        "run",
        "(place is None or changes[self._laid][0] < place)",
        "True",
    ),
    "8: others' changes are laid on at the end alone": (
        "run",
        "self.lay_until(found.place)",
        "pass",
    ),
    "8: others' numbers are values": ("changes", "if numbers and current != before", "if False"),
    "9: a result is not committed": (
        "dialogue",
        "yield Keep(run.unkept())",
        "run.unkept()",
    ),
    "9: an intent comes without the answer before it": (
        "dialogue",
        "yield RunOnce(run.unkept(), ",
        "yield RunOnce((run.entries[-1:], run.unkept())[0], ",
    ),
    "9: a recorded once runs again": (
        "verbs",
        'if found is not None and found.entry.kind != "begun":',
        "if False:",
    ),
    "10: a changed program counts as the same": (
        "run",
        "journal.program == stage.program",
        "True",
    ),
    "11: a deadline counts from now": (
        "questions",
        "else waiting.asked_at + question.timeout",
        "else waiting.asked_at + question.timeout * 3",
    ),
    "11: a default is not recorded": (
        "questions",
        'Step(waiting, "default", pack(question.default), now)',
        'Step(waiting, "default", None, now)',
    ),
    "11: a sleep begins anew at each turn": (
        "verbs",
        "since = waiting.asked_at if waiting is not None and key == run.waited else run.now",
        "since = run.now",
    ),
    "12: going back keeps what was said after": (
        "journal",
        "self.said = {one: where for one, where in self.said.items() if where < removed}",
        "pass",
    ),
    "12: going back takes back a once": (
        "journal",
        'if entry.key[0] == "once":',
        "if False:",
    ),
    "12: going back leaves the saved state": (
        "journal",
        "furthest=entry.key,\n                era",
        "era",
    ),
    "12: a text said again after going back has the key of the first": (
        "dialogue",
        "digest(run.journal.id, run.journal.era, *identity)",
        "digest(run.journal.id, *identity)",
    ),
    "13: what has come back is not asked again": (
        "journal",
        "parked=False, again=True",
        "parked=False, again=False",
    ),
    "13: what has come back is asked again and again": (
        "questions",
        "reminded=reminded, again=False",
        "reminded=reminded",
    ),
    "15: a new round begins with the state of the one before": (
        "dialogue",
        "base=over.state,",
        "base=over.journal.base,",
    ),
    "15: a new round passes for the one before": (
        "dialogue",
        'id=digest(over.journal.id, "restart")',
        "id=over.journal.id",
    ),
    "7: what went out goes to an entry that is committed": (
        "run",
        "if self.kept < len(self.entries):",
        "if self.entries:",
    ),
}
TAPES = 3_000  # by far the most breaks are caught within a few dozen


def caught(patch: tuple[str, str, str], tapes: int) -> str | None:
    """What the proof says about a broken driver; None where it notices nothing."""
    engine = broken(patch)
    for seed in range(tapes):
        chance = random.Random(seed)
        tape = Tape(chance.randbytes(chance.choice([40, 150, 300, 600])))
        try:
            World(engine, tape, edits=seed % 4 != 0).play()
        except (NameError, SyntaxError) as error:
            raise AssertionError("Broken otherwise than meant.") from error
        except Exception as error:
            return f"{seed}: {type(error).__name__} {error}"[:150]
    return None


@pytest.mark.parametrize("rule", BREAKS)
def test_a_rule_switched_off_is_caught(rule):
    assert caught(BREAKS[rule], TAPES), f"nobody noticed: {rule}"
