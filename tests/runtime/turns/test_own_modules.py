"""The modules of the user's own, loaded or to be imported later, and their contents."""

import compileall
import importlib
import sys
import zipfile
from importlib.util import LazyLoader, find_spec, module_from_spec
from pathlib import Path
from types import ModuleType

import pytest

from cooee.runtime.turns.own_modules import (
    _packages_installed_with,
    own_modules,
    read_own_modules,
)


def contents_of_own_modules(*homes):
    found = read_own_modules({*homes}).items()
    return {name: module.content for name, module in found if module.content}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Write files into a folder on the path; modules are as before at the end."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(**files):
        for name, text in files.items():
            file = tmp_path / f"{name.replace('__in__', '/')}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        importlib.invalidate_caches()
        return tmp_path

    _packages_installed_with.cache_clear()
    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def new_contents(before):
    now = contents_of_own_modules()
    return {name: content for name, content in now.items() if before.get(name) != content}


@pytest.fixture
def before():
    return contents_of_own_modules()


def test_every_module_counts_once_and_libraries_do_not(place, before):
    place(own_one="import own_two, json, msgspec", own_two="x = 1", unused="")
    sys.modules["alias"] = importlib.import_module("own_one")
    assert set(new_contents(before)) == {"own_one", "own_two"}


def test_a_module_counts_before_it_is_imported_and_the_same_after(place, before):
    place(
        own_app="def f():\n    from own_later import g\n    g()\n",
        own_later="import own_deeper\ndef g():\n    from own_shop.words import W\n",
        own_deeper="import msgspec, nowhere_at_all",
        own_shop__in____init__="x = 1",
        own_shop__in__words="W = 1\nfrom . import texts",
        own_shop__in__texts="T = 1",
    )
    importlib.import_module("own_app")
    known = {"own_app", "own_later", "own_deeper", "own_shop", "own_shop.words", "own_shop.texts"}
    first = new_contents(before)
    assert set(first) == known
    sys.modules["nowhere_at_all"] = ModuleType("nowhere_at_all")
    for name in sorted(known, reverse=True):
        importlib.import_module(name)
        assert new_contents(before) == first


def test_a_module_is_read_once_and_a_reloaded_one_again(place, before):
    folder = place(own_app="x = 1")
    module = importlib.import_module("own_app")
    first = new_contents(before)
    place(own_app="x = 2222")
    assert new_contents(before) == first, "The process still runs what it has loaded."
    importlib.reload(module)
    assert new_contents(before) != first
    (folder / "own_app.py").unlink()
    assert set(new_contents(before)) == {"own_app"}


def test_a_module_without_a_file_counts_by_its_functions(before):
    made = ModuleType("own_made")
    sys.modules["own_made"] = made
    try:
        assert new_contents(before) == {}
        exec("def f(): return 1", vars(made))
        first = new_contents(before)
        exec("def f(): return 2", vars(made))
        assert set(first) == {"own_made"}
        assert new_contents(before) not in ({}, first)
    finally:
        del sys.modules["own_made"]


def test_a_module_that_is_only_compiled_counts_wherever_it_was_compiled(place, before, tmp_path):
    contents = []
    for folder, value in (("one", 1), ("two", 1), ("three", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own_app.py").write_text(f"def f(): return {value}")
        compileall.compile_dir(tmp_path / folder, legacy=True, quiet=2)
        (tmp_path / folder / "own_app.py").unlink()
        sys.path.insert(0, str(tmp_path / folder))
        try:
            importlib.import_module("own_app")
            contents.append(new_contents(before)["own_app"])
        finally:
            sys.path.remove(str(tmp_path / folder))
            del sys.modules["own_app"]
    assert contents[0] == contents[1] != contents[2]


def test_a_module_in_an_archive_counts_with_what_it_imports_later(place, before, tmp_path):
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.writestr("own_app.py", "def f():\n    import own_later")
        archive.writestr("own_later.py", "x = 1")
    sys.path.insert(0, str(tmp_path / "app.pyz"))
    try:
        importlib.import_module("own_app")
        assert set(new_contents(before)) == {"own_app", "own_later"}
    finally:
        sys.path.remove(str(tmp_path / "app.pyz"))


def test_an_extension_counts_by_its_bytes(before, tmp_path):
    made = ModuleType("own_fast")
    made.__file__ = str(tmp_path / "own_fast.so")
    sys.modules["own_fast"] = made
    try:
        Path(made.__file__).write_bytes(b"\x7fELF 1")
        first = new_contents(before)["own_fast"]
        made.__spec__ = object()
        Path(made.__file__).write_bytes(b"\x7fELF 2")
        assert new_contents(before)["own_fast"] != first
    finally:
        del sys.modules["own_fast"]


def test_a_module_that_is_loaded_lazily_is_not_woken(place, before):
    place(own_lazy="raise AssertionError('It was woken.')")
    spec = find_spec("own_lazy")
    spec.loader = LazyLoader(spec.loader)
    module = module_from_spec(spec)
    sys.modules["own_lazy"] = module
    spec.loader.exec_module(module)
    assert set(new_contents(before)) == {"own_lazy"}


def test_what_stands_for_a_module_is_left_alone(before):
    class Stand:
        def __getattribute__(self, name):
            raise AssertionError(f"It was asked for {name}.")

    sys.modules["own_stand"] = Stand()
    try:
        assert new_contents(before) == {}
    finally:
        del sys.modules["own_stand"]


def test_the_command_that_starts_an_app_does_not_count(monkeypatch, tmp_path):
    def counts(file):
        main = ModuleType("__main__")
        main.__file__ = str(tmp_path / file)
        monkeypatch.setitem(sys.modules, "__main__", main)
        return main in own_modules()

    assert not counts("bin/uvicorn")
    assert counts("serve.py")


def install(folder, distribution, *packages):
    """Install packages as a distribution, as an installer leaves them."""
    (folder / f"{distribution}-1.0.dist-info").mkdir(parents=True)
    info = folder / f"{distribution}-1.0.dist-info"
    (info / "METADATA").write_text(f"Name: {distribution}\nVersion: 1.0\n")
    (info / "top_level.txt").write_text("\n".join(packages))
    for package in packages:
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text(f"name = {package!r}")


def test_an_installed_app_counts_with_all_that_its_distribution_installed(place, before, tmp_path):
    folder = tmp_path / "lib/python3.11/site-packages"
    install(folder, "shop", "own_shop", "own_common")
    install(folder, "library", "own_library")
    sys.path.insert(0, str(folder))
    try:
        for name in ("own_shop", "own_common", "own_library"):
            importlib.import_module(name)
        assert new_contents(before) == {}
        found = contents_of_own_modules("own_shop")
        assert {"own_shop", "own_common"} <= set(found)
        assert "own_library" not in found
    finally:
        sys.path.remove(str(folder))


def test_a_distribution_without_a_list_of_packages_is_known_by_its_record(place, before, tmp_path):
    folder = tmp_path / "lib/python3.11/site-packages"
    install(folder, "shop", "own_shop", "own_common")
    install(folder, "library", "own_library")
    info = folder / "shop-1.0.dist-info"
    (info / "top_level.txt").unlink()
    record = "own_shop/__init__.py,,\nown_common/__init__.py,,\nown_single.py,,\n"
    (info / "RECORD").write_text(f"{record}shop-1.0.dist-info/RECORD,,\n")
    (folder / "own_single.py").write_text("x = 1")
    sys.path.insert(0, str(folder))
    try:
        for name in ("own_shop", "own_common", "own_single", "own_library"):
            importlib.import_module(name)
        found = contents_of_own_modules("own_shop")
        assert {"own_shop", "own_common", "own_single"} <= set(found)
        assert "own_library" not in found
    finally:
        sys.path.remove(str(folder))
