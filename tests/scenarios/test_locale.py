"""No result depends on the language of the process: all of it under a German locale."""

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for room in ("src", "examples") for path in (ROOT / room).rglob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES_OF_THE_LOCALE = re.compile(r"%[-_0^#]?[aAbBhpPcxXr]")
LOCALE_NAMES = {"day_name", "day_abbr", "month_name", "month_abbr", "setlocale", "nl_langinfo"}
FORMATTERS = {"strftime", "strptime", "asctime", "ctime"}

UNDER_A_LOCALE = """
import locale
from datetime import UTC, date, datetime, time

locale.setlocale(locale.LC_ALL, "")
now = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
assert now.strftime("%A") == "Mittwoch", now.strftime("%A")

from cooee.core.http_messages import Response
from cooee.core.parsing.answers import ParseContext, parse_answer, parser_for
from cooee.phone.inspector.formatting import day_of_month, weekday_name
from cooee.providers.twilio.payloads import parse_rfc2822_date
from cooee.simulator.apis.twilio.responses import format_rfc2822

here = ParseContext(now, lambda: UTC, "+61491570006")
assert parse_answer(parser_for(date), "Wed 2 December", here) == date(2026, 12, 2)
assert parse_answer(parser_for(date), "tuesday", here) == date(2026, 12, 1)
assert parse_answer(parser_for(time), "3pm", here) == time(15)
held = Response(status=429, headers={"retry-after": "Wed, 02 Dec 2026 10:00:00 GMT"}, at=now)
assert held.retry_after == 7 * 86_400
december = datetime(2026, 12, 1, 9, 8, 7, tzinfo=UTC)
assert format_rfc2822(december) == "Tue, 01 Dec 2026 09:08:07 +0000"
assert parse_rfc2822_date("Tue, 01 Dec 2026 09:08:07 +0000") == december
assert (weekday_name(december), day_of_month(december)) == ("Tue", "1 Dec")
"""


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    localedef = shutil.which("localedef")
    if localedef is None:
        pytest.skip("There is no localedef to make a German locale.")
    folder = tmp_path_factory.mktemp("locales")
    made = subprocess.run(
        [localedef, "-c", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")],
        check=False,
        capture_output=True,
    )
    if made.returncode > 1 or not (folder / "de_DE.UTF-8").exists():
        pytest.skip("This machine has no sources of locales.")
    return os.environ | {"LOCPATH": str(folder), "LC_ALL": "de_DE.UTF-8"}


def test_dates_come_out_the_same_under_another_locale(german):
    command = [sys.executable, "-c", UNDER_A_LOCALE]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=german)
    assert ended.returncode == 0, ended.stderr


def locale_dependent(source: str) -> list[int]:
    """Return the lines that take a name of a day, a month or a half of the day from the locale."""
    found = []
    for node in ast.walk(ast.parse(source)):
        texts = []
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            texts = [ast.unparse(node.format_spec)]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in FORMATTERS:
            texts = [ast.unparse(node)]
        elif isinstance(node, ast.Attribute) and node.attr in LOCALE_NAMES:
            texts = ["%a"]
        found += [node.lineno for text in texts if NAMES_OF_THE_LOCALE.search(text)]
    return found


def test_no_line_of_ours_takes_a_name_from_the_locale():
    found = {str(path): locale_dependent(path.read_text()) for path in SOURCES}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_no_block_of_the_documentation_takes_a_name_from_the_locale():
    blocks = [
        (str(page), code)
        for page in PAGES
        for code in re.findall(
            r"^ *```python\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE
        )
    ]
    found = [where for where, code in blocks if locale_dependent(textwrap.dedent(code))]
    assert (len(blocks) > 50, found) == (True, [])


@pytest.mark.parametrize(
    "line",
    ["at.strftime('%a')", "f'{at:%d %b}'", "datetime.strptime(x, '%I%p')", "calendar.day_name"],
)
def test_the_check_finds_names_of_the_locale(line):
    assert locale_dependent(line) == [1]
