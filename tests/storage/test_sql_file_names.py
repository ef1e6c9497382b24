"""Both databases' statements have the same names; whatever one has alone has its reason here."""

from __future__ import annotations

import pytest

from cooee.storage.sql_file import load_statements

SQLITE_ALONE = {
    "one process owns a file": ["begin_running", "end_running", "data_version", "mark_suspect_texts", "mark_suspect_timers"],
    "a lease is in memory, and its loss in the row": ["is_leased"],
    "part of a greater statement there": [
        *("assign_text_seq", "assign_opt_out_seq", "add_inbound", "opt_out_at_provider"),  # receive_texts, opt_out
        *("save_state", "begin_attempt", "is_any_open", "add_outbound_attempt"),  # finish_claim, next_texts
        *("find_suspect", "any_suspect", "count_suspect_attempt", "uncount_suspect_attempt"),  # claim_suspect, release_claims
        *("cancel_attempt", "set_next_check", "requeue_inbound", "any_open_dialogue"),
        *("find_dialogue", "find_entry", "any_early_receipt", "early_receipts", "numbers_of"),
    ],
    "the rows one by one": ["next_open_dialogues", "open_handlers", "list_open_dialogue_entries", "make_dialogue_due"],
    "people were forgotten before there were keys": ["unkeyed_conversations"],
}  # fmt: skip
POSTGRES_ALONE = {
    "workers are rows": ["join_workers", "beat", "leave_workers", "bury_workers", "free_conversations_of", "free_roles_of", "is_suspect_waiting"],
    "many processes share numbers and deploys": ["hold_role", "release_role", "note_code_version", "newer_versions"],
    "a commit whose answer is lost is asked for": ["mark_commit", "find_commit_mark", "remove_old_commit_marks"],
    "rows are locked": ["lock_conversations", "lock_leases", "lock_provider_ids", "lock_results", "add_or_lock_conversations"],
    "a lease is in the row": ["release_claims"],
    "read with a younger snapshot": ["claimed_texts"],
    "one statement for what SQLite does row by row": ["receive_texts", "undo_first_texts", "find_gaps", "make_retired_dialogues_due", "add_first_secret"],
    "many processes may set it": ["add_metadata"],
    "copies": ["set_all_opted_out", "set_next_receipt_id", "allow_reading_all"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "other", "alone"),
    [("sqlite", "postgres", SQLITE_ALONE), ("postgres", "sqlite", POSTGRES_ALONE)],
)
def test_a_statement_has_the_same_name_in_both_or_a_reason(dialect, other, alone):
    differing = load_statements(dialect).keys() - load_statements(other).keys()
    assert differing == {name for names in alone.values() for name in names}


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_every_statement_is_used(dialect):
    from pathlib import Path

    import cooee.storage

    room = Path(cooee.storage.__file__).parent / dialect
    source = "\n".join(file.read_text() for file in room.glob("*.py"))
    unused = [name for name in load_statements(dialect) if f'"{name}"' not in source]
    assert unused == []
