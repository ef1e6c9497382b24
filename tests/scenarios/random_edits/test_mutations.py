"""Each rule of docs/internals/replay.md, switched off in the engine, is caught by random edits."""

from __future__ import annotations

import random

import pytest
from support.random_edits.engine import broken
from support.random_edits.programs import Tape
from support.random_edits.world import World

pytestmark = pytest.mark.slow

MUTATIONS = {
    "1: the state at the start is not kept": (
        "run",
        "context.codec.decode(journal.initial_state)",
        "context.codec.decode(None if journal.waiting is None else context.codec.encode(context.codec.decode(journal.initial_state)[0].__class__(1, '')))",
    ),
    "2: what was chosen is not held against the menu": (
        "answer_records",
        "return None if option_removed else entry",
        "return entry",
    ),
    "2: another type is not read anew": (
        "answer_records",
        "if _same_meaning(parser, entry.tag):",
        "if True:",
    ),
    "2: words that do not fit the new type are handed out": (
        "answer_records",
        "    except NotUnderstood:\n        return None\n    return replace(entry",
        "    except NotUnderstood:\n        return entry\n    return replace(entry",
    ),
    "2: the number is recorded, not the label": (
        "questions",
        "return _answer_step(waiting, text, parse_answer(question.parser, text.text, context))",
        "return _answer_step(waiting, text, text.text if question.options else parse_answer(question.parser, text.text, context))",
    ),
    "2: unchanged code does not check its records again behind the waiting key": (
        "verbs",
        "(run.reached_waiting or not run.same_code)",
        "(not run.same_code)",
    ),
    "2: what does not fit any more is not taken out": (
        "verbs",
        'run.add_entry(JournalEntry("stale", entry.key, run.now, run.turn_number))',
        "pass",
    ),
    "2: a function that does something else is not asked again": (
        "answer_records",
        'return tag == parser.type_tag or (has_fingerprint != "" and tag == name)',
        'return tag.partition("#")[0] == name',
    ),
    "2: what cannot be stored is stored as words": (
        "answer_records",
        "    except Unstorable:\n        return _TEXT_ALONE",
        "    except Unstorable:\n        return str(value)",
    ),
    "3: a once forgets its former names": (
        "once_checks",
        "return tuple(was) if isinstance(was, tuple | list) else (was,) * (was is not None)",
        "return ()",
    ),
    "3: keys are words alone": (
        "step_keys",
        "n = self._occurrences[key] = self._occurrences.get(key, 0) + 1",
        "n = 0",
    ),
    "3: parts do not scope": ("step_keys", "(*self.parts, name)", "self.parts"),
    "3: key= is not used": (
        "verbs",
        "question.key or question.prompt, call_chain",
        "question.prompt, call_chain",
    ),
    "3: answers are remembered by position": (
        "step_keys",
        'key: RecordKey = ("ask", self.parts, words, 0)\n',
        "self._occurrences[()] = n = self._occurrences.get((), -1) + 1\n        return ('ask', (), '', n), False\n        key: RecordKey = ('', (), '', 0)\n",
    ),
    "3: what is received is known by nothing": (
        "step_keys",
        "return (kind, self.parts, words, n)",
        "return (kind, self.parts, words, 0 if kind == 'receive' else n)",
    ),
    "3: a rewording carries nothing": (
        "rewordings",
        "if known != key and is_free and _is_known(run, known):",
        "if False:",
    ),
    "3: a rewording carries what is known of the new words": (
        "rewordings",
        "    if _is_known(run, key):\n        return key\n",
        "",
    ),
    "3: a rewording is not kept": (
        "rewordings",
        "if renames.get(key) != known[2]:",
        "if False:",
    ),
    "3: a kept rewording is no step of a chain": (
        "rewordings",
        "        if known in renames:\n            known = (*key[:2], renames[known], key[3])\n",
        "",
    ),
    "4: a text goes to the first question without an answer": (
        "verbs",
        "text = run.text if waiting is not None else None",
        "text = run.text",
    ),
    "4: a text for a question not reached is dropped": (
        "outcome",
        'return "held"',
        'run.new_entries.pop()\n    return "held"',
    ),
    "4: a held text is looked at again and again": (
        "verbs",
        'run.add_entry(JournalEntry("dropped", held.key, run.now, run.turn_number))',
        "pass",
    ),
    "4: confirm takes what was sent before it": (
        "questions",
        "if question.fresh and not had_gone_out(waiting, text.received_at, text.stamped_at):",
        "if False:",
    ),
    "5: the state goes on from where it was": (
        "outcome",
        "            run.journal,\n            entries=entries,",
        "            run.journal,\n            entries=entries,\n            initial_state=state or run.journal.initial_state,",
    ),
    "6: a prompt goes out at each turn": (
        "questions",
        "    if not already_asked:\n",
        "    if True:\n",
    ),
    "6: a prompt never goes out again": (
        "verbs",
        "already_asked=waiting is not None",
        "already_asked=waiting is not None or run.turn_number > 3",
    ),
    "6: a wrong answer is a record": (
        "questions",
        "if question.attempts is not None and attempts >= question.attempts:",
        "if True:",
    ),
    "6: a wrong answer gets no retry": (
        "questions",
        'outgoing=("retry", retry_text)',
        "outgoing=None",
    ),
    "6: what was said in the past goes out": ("run", "self.said_texts.unsent.clear()", "pass"),
    "7: a text goes out at each turn": (
        "outcome",
        "elif identity not in run.index.sent_ids:",
        "else:",
    ),
    "7: texts are known by their place": (
        "said_texts",
        '("key", key) if key else _content_identity(text)',
        "'text'",
    ),
    "7: what is said before a once that was kept is lost": (
        "run",
        'if key[0] != "once":  # a once commits in mid-turn: texts said before it are still to send\n            if already_sent and self.said_texts.unsent:',
        "if True:\n            if True:",
    ),
    "8: an inserted question rolls the state back": (
        "outcome",
        "if not run.reached_frontier:",
        "if False:",
    ),
    "8: the state is saved at the end alone": (
        "outcome",
        "if not run.reached_frontier:",
        "run.reached_frontier = run.reached_frontier and bool(ended)\n    if not run.reached_frontier:",
    ),
    "8: a frontier whose question is gone is never met again": (
        "outcome",
        "if not run.reached_frontier:",
        "if not run.reached_frontier:\n        state = run.stored_state\n    if False:",
    ),
    "8: a frontier that is gone is met where all is done again, and nowhere else": (
        "frontier",
        "if _is_same(base, replayed):",
        "if True:",
    ),
    "8: today's code is taken where it is behind": (
        "frontier",
        "return max(stored, replayed) if stored > base else min(stored, replayed)",
        "return replayed",
    ),
    "8: what others changed counts as the run's own": (
        "frontier",
        "[diff for at, diff in index.diffs if at >= since]",
        "[]",
    ),
    "8: others' changes from before the last run count again": (
        "frontier",
        "0 if is_first else journal.finished_count",
        "0",
    ),
    "8: what today's code sets earlier is saved at once": (
        "frontier",
        "return stored if is_first else replayed\n\n\ndef _is_same",
        "return replayed\n\n\ndef _is_same",
    ),
    "8: another version's run before counts as today's": (
        "frontier",
        "journal.replayed_state is None or not same_code",
        "journal.replayed_state is None",
    ),
    "8: a change comes before the records that it came after": (
        "run",
        "self.index.early_places.get(key, found.position)",
        "found.position",
    ),
    "8: a list that another handler wrote replaces ours": (
        "state_diff",
        "elif isinstance(old, list) and isinstance(new, list):",
        "elif False:",
    ),
    "8: elements of a list are known by their place": (
        "list_diff",
        "origins = match_elements(before, after, same_objects)",
        "origins = [at if at < len(before) else None for at in range(len(after))]",
    ),
    "8: a handler's objects are made anew": (
        "state_merge",
        "return self._owners.get(id(tree), decoded)",
        "return decoded",
    ),
    "8: changed objects are made anew": (
        "state_merge",
        "replace_contents(owner, merged)",
        "return merged",
    ),
    "8: what was made otherwise is not found": (
        "list_diff",
        "return min(similar, key=lambda place: abs(place - at), default=None)",
        "return None",
    ),
    "8: others' changes are overwritten": (
        "replayed_state",
        "apply_diffs(\n                self._codec, self._chat.state, self._unknown_fields, diffs, shared\n            )",
        "(self._chat.state, self._unknown_fields)",
    ),
    "8: others' changes count from the beginning": (
        "replayed_state",
        "position is None or diffs[self._applied_count][0] < position\n",
        "True",
    ),
    "8: others' changes are applied at the end alone": (
        "run",
        "self.state.apply_changes_until(self.index.early_places.get(key, found.position))",
        "pass",
    ),
    "8: others' numbers are values": ("state_diff", "if numbers and current != before", "if False"),
    "9: a result is not committed": (
        "once_effects",
        "yield AppendEntries(run.take_uncommitted())",
        "run.take_uncommitted()",
    ),
    "9: an intent comes without the answer before it": (
        "once_effects",
        "run.take_uncommitted(), request.function",
        "(run.new_entries[-1:], run.take_uncommitted())[0], request.function",
    ),
    "9: a recorded once runs again": (
        "onces",
        'if found is not None and found.entry.kind != "started":',
        "if False:",
    ),
    "10: a changed code version counts as the same": (
        "run",
        "journal.code_version == context.code_version",
        "True",
    ),
    "10: what an unseen change makes of unchanged code is refused": (
        "replay",
        "        if not first.is_same_step(second):",
        "        if True:",
    ),
    "10: what an unseen change makes of unchanged code is taken for unchanged code": (
        "replay",
        "run.same_code = False",
        "pass",
    ),
    "10: a once of the run that diverged is called again": (
        "replay",
        "    _take_over(run, first)\n    run.warnings",
        "    run.warnings",
    ),
    "11: a deadline counts from now": (
        "questions",
        "else waiting.asked_at + question.timeout",
        "else waiting.asked_at + question.timeout * 3",
    ),
    "11: a default is not recorded": (
        "questions",
        'QuestionStep(waiting, "default", encode_value(question.default), now)',
        'QuestionStep(waiting, "default", None, now)',
    ),
    "11: a sleep begins anew at each turn": (
        "verbs",
        "since = waiting.asked_at if waiting is not None and key == run.waiting_key else run.now",
        "since = run.now",
    ),
    "12: going back keeps what was said after": (
        "journal",
        "self.sent_ids = {id: at for id, at in self.sent_ids.items() if at < removed}",
        "pass",
    ),
    "12: going back takes back a once": (
        "journal",
        'if entry.key[0] == "once":',
        "if False:",
    ),
    "12: going back leaves the saved state": (
        "journal",
        "frontier=entry.key,\n                undo_count",
        "undo_count",
    ),
    "12: a text said again after going back has the key of the first": (
        "outbox_keys",
        "derive_id(journal.id, journal.undo_count, *identity)",
        "derive_id(journal.id, *identity)",
    ),
    "12: what BACK leads past is said again": (
        "outcome",
        "run.index.undone_ids if is_undone else ()",
        "()",
    ),
    "14: an end that is caught is none where the handler returns": (
        "replay",
        'ended_outcome(run, "ended") if run.ended else returned_outcome(run, value)',
        "returned_outcome(run, value)",
    ),
    "14: a text after the end goes out": (
        "run",
        "if self.leaving or self.ended or self.once_token:",
        "if self.leaving or self.once_token:",
    ),
    "14: a question after the end is asked": (
        "run",
        "self.ended, self.active = self.ended or not self.leaving, False",
        "self.ended = self.ended or not self.leaving",
    ),
    "13: a resumed question is not asked again": (
        "journal",
        "paused=False, re_ask=True",
        "paused=False, re_ask=False",
    ),
    "13: a resumed question is asked again and again": (
        "questions",
        "reminder_count=reminded, re_ask=False",
        "reminder_count=reminded",
    ),
    "15: a new round begins with the state of the one before": (
        "outcome",
        "initial_state=outcome.state,",
        "initial_state=outcome.journal.initial_state,",
    ),
    "15: a new round passes for the one before": (
        "outcome",
        'id=derive_id(outcome.journal.id, "restart")',
        "id=outcome.journal.id",
    ),
    "7: what went out goes to an entry that is committed": (
        "run",
        "if self.taken_count < len(self.new_entries):",
        "if self.new_entries:",
    ),
}
TAPES = 3_000  # by far the most breaks are caught within a few dozen


def caught(patch: tuple[str, str, str], tapes: int, *, flow: bool) -> str | None:
    """What the proof says about a broken driver; None where it notices nothing."""
    engine = broken(patch)
    for seed in range(tapes):
        chance = random.Random(seed)
        tape = Tape(chance.randbytes(chance.choice([40, 150, 300, 600])))
        try:
            World(engine, tape, edits=seed % 4 != 0, unseen=seed % 4 == 1, flow=flow).play()
        except (NameError, SyntaxError) as error:
            raise AssertionError("Broken otherwise than meant.") from error
        except Exception as error:
            return f"{seed}: {type(error).__name__} {error}"[:150]
    return None


@pytest.mark.parametrize("rule", MUTATIONS)
def test_a_rule_switched_off_is_caught(rule):
    flow = rule.startswith("14:")
    assert caught(MUTATIONS[rule], TAPES, flow=flow), f"nobody noticed: {rule}"
