"""The files that count as the user's own code, by the folders that they lie in."""

import json
import site
import sys
from pathlib import Path

import msgspec
import pytest

import cooee
from cooee.core.own_code import is_own_file


def library(root):
    """The folder of installed packages in an environment."""
    return root / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


@pytest.mark.parametrize(
    "file", [json.__file__, msgspec.__file__, pytest.__file__, cooee.__file__, site.__file__]
)
def test_python_its_libraries_and_cooee_are_not_the_users_own(file):
    assert not is_own_file(file)


def test_what_python_has_frozen_is_not_the_users_own_and_a_notebooks_cell_is():
    assert not is_own_file("<frozen importlib._bootstrap>")
    assert is_own_file("<ipython-input-1>")
    assert is_own_file("<stdin>")


@pytest.mark.parametrize(
    ("file", "is_own"),
    [
        ("app/shop.py", True),
        ("app/site-packages/shop.py", True),  # a folder of that name alone makes no library
        ("site-packages/app/shop.py", True),
        ("app/.venv/lib/python3.11/site-packages/shop.py", False),
        ("app/.venv/lib/python3.11/site-packages/shop/deep/words.py", False),
        ("app/.venv/lib/python3.11/site-packages-mine/shop.py", True),
        ("app/.venv/lib/python3/dist-packages/shop.py", False),
        ("app/.venv/Lib/site-packages/shop.py", False),
        ("app/.venv/shop.py", True),
    ],
)
def test_a_folder_on_the_path_that_looks_like_one_of_libraries_is_one(
    tmp_path, monkeypatch, file, is_own
):
    for part in ("app", "app/site-packages", "app/.venv/lib/python3.11/site-packages"):
        monkeypatch.syspath_prepend(str(tmp_path / part))
    for part in ("app/.venv/lib/python3/dist-packages", "app/.venv/Lib/site-packages"):
        monkeypatch.syspath_prepend(str(tmp_path / part))
    assert is_own_file(str(tmp_path / file)) is is_own


def test_a_link_counts_as_what_it_leads_to(tmp_path, monkeypatch):
    real = library(tmp_path / "environment")
    real.mkdir(parents=True)
    (tmp_path / "project/shop").mkdir(parents=True)
    (tmp_path / "linked").symlink_to(tmp_path / "environment")
    (real / "shop").symlink_to(tmp_path / "project/shop")
    monkeypatch.syspath_prepend(str(library(tmp_path / "linked")))
    assert not is_own_file(str(library(tmp_path / "linked") / "lib.py"))
    assert not is_own_file(str(real / "lib.py"))
    assert is_own_file(str(real / "shop/app.py")), "It is developed in the project's folder."


def test_a_project_beside_pythons_folder_is_the_users_own():
    folder = Path(json.__file__).parents[1]
    assert not is_own_file(f"{folder}/any.py")
    assert is_own_file(f"{folder}-project/any.py")
    assert is_own_file(f"{folder.parent}/project/any.py")


def test_a_folder_that_a_pth_file_adds_is_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = library(tmp_path)
    folder.mkdir(parents=True)
    (tmp_path / "src").mkdir()
    (folder / "shop.pth").write_text(f"{tmp_path / 'src'}\n")
    site.addsitedir(str(folder))
    assert str(tmp_path / "src") in sys.path
    assert is_own_file(str(tmp_path / "src/shop.py"))
    assert not is_own_file(str(folder / "lib.py"))
