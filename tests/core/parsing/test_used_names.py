"""The names and texts that a function's code comes to, and no others."""

from __future__ import annotations

from functools import partial, wraps

from cooee.core.parsing.used_names import used_names

KEY = "a key"


class Desk:
    def reserve(self):
        return self.deeper()

    def deeper(self):
        return "deeper text"

    def unused(self):
        return never_called()


def never_called():
    return "never said"


def helper():
    return desk.reserve(), KEY


def by_table():
    return "by table"


TABLE = {"x": by_table}
desk = Desk()
bound = partial(helper)


def decorated(function):
    @wraps(function)
    def inner(chat):
        return function(chat)

    return inner


@decorated
def handler(chat):
    return bound(), TABLE["x"], (lambda: chat.services.send(chat))


def test_it_follows_what_is_called():
    names, texts = used_names(handler)
    assert names >= {"helper", "Desk.reserve", "Desk.deeper", "by_table", "services", "send"}
    assert names >= {"<lambda>(chat, send, services)"}
    assert texts >= {"a key", "deeper text", "by table", "x"}
    assert not names & {"never_called", "unused", "Desk.unused"}
    assert "never said" not in texts


def test_what_calls_itself_comes_to_an_end():
    def turning():
        return turning()

    assert "turning" in used_names(turning)[0]
