"""Where pictures are kept, and under which names."""

import re
import stat

import pytest

from cooee.core.errors import SettingError
from cooee.runtime.inbound.media_storage import MediaStorage


async def test_a_file_is_its_owners_alone_and_so_is_the_folder(tmp_path):
    shelf = MediaStorage(f"{tmp_path}/media")
    path = shelf.new_path("image/jpeg")
    await shelf.put(path, b"picture")
    (kept,) = (tmp_path / "media").iterdir()
    assert (str(kept), kept.read_bytes()) == (path, b"picture")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        ("image/jpeg", ".jpg"),
        ("IMAGE/PNG; charset=x", ".png"),
        ("text/html", ".bin"),
        ("image/svg+xml", ".bin"),
        ("application/javascript", ".bin"),
        ("../../etc/passwd", ".bin"),
        ("", ".bin"),
    ],
)
def test_a_name_is_chance_and_an_ending_of_our_choice(kind, ending):
    names = {MediaStorage("/media").new_path(kind) for _ in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch(rf"/media/[0-9a-f]{{32}}\{ending}", name) for name in names)


async def test_a_file_is_erased_once_and_again(tmp_path):
    shelf = MediaStorage(str(tmp_path))
    path = shelf.new_path("image/png")
    await shelf.put(path, b"x")
    await shelf.erase(path)
    await shelf.erase(path)
    assert list(tmp_path.iterdir()) == []


async def test_nothing_beside_the_shelf_is_erased(tmp_path):
    (tmp_path / "other.png").write_text("x")
    shelf = MediaStorage(f"{tmp_path}/media")
    for path in (f"{tmp_path}/other.png", f"{tmp_path}/media/../other.png", "", "other.png"):
        await shelf.erase(path)
    assert (tmp_path / "other.png").exists()


async def test_a_planted_link_is_not_followed(tmp_path):
    shelf = MediaStorage(str(tmp_path))
    path = shelf.new_path("image/png")
    (tmp_path / "precious").write_text("precious")
    (tmp_path / f"{path}.part").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match=r"symbolic|links"):
        await shelf.put(path, b"x")
    assert (tmp_path / "precious").read_text() == "precious"


async def test_a_folder_that_cannot_be_made_is_an_error_of_files(tmp_path):
    (tmp_path / "media").write_text("in the way")
    shelf = MediaStorage(f"{tmp_path}/media")
    with pytest.raises(OSError):
        await shelf.put(shelf.new_path("image/png"), b"x")


async def test_any_place_that_fsspec_knows_will_do():
    pytest.importorskip("fsspec")
    shelf = MediaStorage("memory://media/pictures")
    path = shelf.new_path("image/png")
    await shelf.put(path, b"picture")
    from fsspec import filesystem

    files = filesystem("memory")
    assert files.cat_file(path) == b"picture"
    await shelf.erase(path)
    await shelf.erase(path)
    assert not files.exists(path)


def test_a_place_that_nobody_knows_is_refused_with_what_to_type():
    with pytest.raises(SettingError, match="pip install fsspec"):
        MediaStorage("pigeon://loft/3")


def test_a_file_url_is_a_folder():
    assert MediaStorage("file:///var/media/").location == "/var/media"
