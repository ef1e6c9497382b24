"""The code version of an app, and the files that belong to it."""

from __future__ import annotations

import json
import sys
from types import ModuleType

from cooee.core.dialogue.code_version import app_files, hash_sources


def module(file):
    made = ModuleType("made")
    made.__file__ = file
    return made


def test_any_changed_renamed_added_or_removed_source_is_another_program():
    one = [("app.py", b"x = 1"), ("menu.py", b"y = 2")]
    assert hash_sources(one) == hash_sources(reversed(one))
    others = [
        [("app.py", b"x = 2"), one[1]],
        [("main.py", b"x = 1"), one[1]],
        one[:1],
        [*one, ("new.py", b"")],
        [("app.py", b"x = 1menu.py"), ("", b"y = 2")],
    ]
    assert len(
        {hash_sources(one), hash_sources(one, "newer"), *map(hash_sources, others)}
    ) == 2 + len(others)


def test_an_apps_own_files_are_those_below_its_directory_and_no_libraries():
    modules = {
        "app": module("/srv/app/main.py"),
        "app.menu": module("/srv/app/parts/menu.py"),
        "other": module("/srv/other.py"),
        "json": json,
        "sys": sys,
        "compiled": module("/srv/app/fast.so"),
        "none": module(None),
    }
    assert app_files(modules, "/srv/app/main.py") == ["/srv/app/main.py", "/srv/app/parts/menu.py"]


def test_a_library_inside_the_apps_directory_is_not_its_own():
    assert json.__file__ not in app_files(
        {"json": json}, json.__file__.replace("json/__init__", "app")
    )
