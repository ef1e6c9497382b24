"""A list of roles says what a process does."""

import pytest

from cooee.core.errors import SettingError
from cooee.runtime.roles import EVERY_ROLE, Role, parse_roles


@pytest.mark.parametrize(
    ("typed", "roles"),
    [
        ("", EVERY_ROLE),
        (" , ", EVERY_ROLE),
        ("web", {Role.WEB}),
        ("Worker, sender", {Role.WORKER, Role.SENDER}),
        ("poller,poller,", {Role.POLLER}),
    ],
)
def test_a_list_of_roles_is_read(typed, roles):
    assert parse_roles(typed) == roles


def test_no_role_is_guessed():
    with pytest.raises(
        SettingError, match=r"'sneder' is no role. Choose from: web, worker, sender, poller\."
    ):
        parse_roles("web,sneder")
