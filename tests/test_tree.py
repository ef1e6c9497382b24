"""Where a test stands: unit tests mirror `src`, scenarios and what tests share have their own room."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS, SOURCE = ROOT / "tests", ROOT / "src" / "cooee"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
UNIT_TESTS = [
    path.relative_to(TESTS)
    for path in sorted(TESTS.rglob("*.py"))
    if path.parent != TESTS and path.relative_to(TESTS).parts[0] not in {"scenarios", "support"}
]


def subjects(test: Path) -> list[Path]:
    """Return the modules and packages that ``test_inbox_paging.py`` may be about: inbox_paging, inbox."""
    words = test.stem.removeprefix("test_").split("_")
    names = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    folder = SOURCE / test.parent
    return [path for name in names for path in (folder / f"{name}.py", folder / name)]


@pytest.mark.parametrize("test", UNIT_TESTS, ids=str)
def test_a_unit_test_stands_where_its_module_stands(test):
    if test.name == "conftest.py":
        assert (SOURCE / test.parent).is_dir()
    else:
        assert test.name.startswith("test_"), "What tests share belongs to tests/support."
        assert any(path.exists() for path in subjects(test))


def test_a_scenario_is_a_test_and_what_tests_share_is_none():
    scenarios = [path for path in (TESTS / "scenarios").rglob("*.py") if path.name != "conftest.py"]
    assert [path.name for path in scenarios if not path.name.startswith("test_")] == []
    assert [path.name for path in (TESTS / "support").rglob("test_*.py")] == []


def test_no_test_changes_the_import_path_for_the_others():
    changed = [
        str(path.relative_to(TESTS))
        for path in TESTS.rglob("conftest.py")
        if "sys.path" in path.read_text()
    ]
    assert changed == []


def test_every_file_that_contributing_names_is_there():
    named = set(re.findall(r"`((?:src|tests|docs)/[\w/.-]+)`", CONTRIBUTING.read_text()))
    examples = {path for path in named if re.search(r"ACME|NAME|metrics\.py", path)}
    assert len(named - examples) > 15
    assert sorted(path for path in named - examples if not (ROOT / path).exists()) == []
