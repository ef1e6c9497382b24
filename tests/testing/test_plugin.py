"""The pytest plug-in, in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow

APP = """
    import pytest
    from cooee import App

    echo = App()

    @echo.otherwise
    def answer(chat):
        return f"You said {chat.text}"

    @pytest.fixture
    def app():
        return echo
"""


@pytest.fixture
def project(pytester):
    """A project that uses cooee, and knows nothing of our own settings."""

    def run(files, *args, ini="asyncio_default_fixture_loop_scope = function"):
        pytester.makeini(f"[pytest]\nfilterwarnings = error\n{ini}")
        pytester.makepyfile(**files)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *args)

    return run


async_test = """
    async def test_echo(phone):
        await phone.follow('''
            > hello
            < You said hello
        ''')

    async def test_two(kit, phone):
        other = phone.another()
        assert await other.text("hi") == ["You said hi"]
        assert phone.inbox == []
        assert kit.phone().number != other.number
"""


def test_a_phone_is_a_fixture_in_auto_mode(project):
    outcome = project(
        {"conftest": APP, "test_echo": async_test},
        ini="asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function",
    )
    outcome.assert_outcomes(passed=2)


def test_a_phone_is_a_fixture_in_strict_mode(project):
    marked = "    import pytest\n    pytestmark = pytest.mark.asyncio\n" + async_test
    outcome = project({"conftest": APP, "test_echo": marked})
    outcome.assert_outcomes(passed=2)


def test_tests_may_share_one_loop(project):
    outcome = project(
        {"conftest": APP, "test_echo": async_test},
        ini=(
            "asyncio_mode = auto\n"
            "asyncio_default_fixture_loop_scope = session\n"
            "asyncio_default_test_loop_scope = session"
        ),
    )
    outcome.assert_outcomes(passed=2)


def test_an_async_app_fixture_will_do(project):
    app = """
        import pytest_asyncio
        from cooee import App

        @pytest_asyncio.fixture
        async def app():
            echo = App()
            echo.otherwise(lambda chat: f"You said {chat.text}")
            yield echo
    """
    outcome = project({"conftest": app, "test_echo": async_test}, "-o", "asyncio_mode=auto")
    outcome.assert_outcomes(passed=2)


def test_a_missing_app_is_told_with_the_lines_to_write(project):
    outcome = project({"test_echo": async_test}, "-o", "asyncio_mode=auto")
    outcome.assert_outcomes(errors=2)
    outcome.stdout.fnmatch_lines(
        ["There is no fixture 'app', so the phone has no app to text. Write a fixture*"]
    )
    outcome.stdout.fnmatch_lines(["    def app():"])
    outcome.stdout.no_fnmatch_line("*Traceback*")


def test_somebody_elses_app_is_told_apart(project):
    flask = "    import pytest\n\n    @pytest.fixture\n    def app():\n        return 'a web app'\n"
    outcome = project({"conftest": flask, "test_echo": async_test}, "-o", "asyncio_mode=auto")
    outcome.assert_outcomes(errors=2)
    outcome.stdout.fnmatch_lines(["The fixture 'app' returns 'a web app', which is no cooee.App.*"])


def test_a_fixture_that_the_app_lacks_is_pytests_business(project):
    broken = (
        "    import pytest\n\n    @pytest.fixture\n    def app(settings):\n        return None\n"
    )
    outcome = project({"conftest": broken, "test_echo": async_test}, "-o", "asyncio_mode=auto")
    outcome.assert_outcomes(errors=2)
    outcome.stdout.fnmatch_lines(["*fixture 'settings' not found*"])


def test_a_conversation_that_fails_shows_its_script_and_none_of_our_code(project):
    failing = """
        async def test_echo(phone):
            await phone.follow('''
                > hello
                < Good day
            ''')
    """
    outcome = project({"conftest": APP, "test_echo": failing}, "-o", "asyncio_mode=auto")
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["*At line 2, another text came.", "*  2 - < Good day"])
    outcome.stdout.fnmatch_lines(["*    + < You said hello"])
    outcome.stdout.no_fnmatch_line("*__tracebackhide__*")


def test_the_projects_own_phone_comes_first(project):
    own = """
        import pytest

        @pytest.fixture
        def phone():
            return "mine"

        def test_own(phone):
            assert phone == "mine"
    """
    project({"test_own": own}).assert_outcomes(passed=1)


def test_without_pytest_asyncio_only_who_asks_for_a_phone_is_told(project):
    both = """
        def test_other():
            pass

        def test_echo(phone):
            pass
    """
    outcome = project({"conftest": APP, "test_both": both}, "-p", "no:asyncio", ini="")
    outcome.assert_outcomes(passed=1, errors=1)
    outcome.stdout.fnmatch_lines(["*pip install pytest-asyncio*"])


BLOCKED = """
import sys
sys.modules["pytest_asyncio"] = None
import cooee.testing.plugin
"""


def run(code):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    ).stdout.split()


def test_the_plug_in_can_be_imported_where_pytest_asyncio_is_not_installed():
    run(BLOCKED)


def test_those_who_do_not_use_the_plug_in_hardly_pay_for_it():
    loaded = run("import sys, cooee.testing.plugin; print(*sys.modules)")
    heavy = ["aiohttp", "uvicorn", "hypothesis", "phonenumbers", "rich", "typer", "pytest_asyncio"]
    ours = ["cooee.runtime", "cooee.simulator", "cooee.storage", "cooee.net", "cooee.testing.kit"]
    assert not set(loaded) & {*heavy, *ours}


def test_the_kit_is_found_by_its_short_name():
    assert run("from cooee.testing import Kit, Phone; print(Kit.__name__, Phone.__name__)") == [
        "Kit",
        "Phone",
    ]
    assert run("import cooee.testing as t; print(hasattr(t, 'Nothing'))") == ["False"]
