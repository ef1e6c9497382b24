"""`cooee copy`: to a server and back, and what is refused."""

from cooee.storage.forget_key import parse_forget_key

OURS, ANNA = "+61491570006", "+61491570156"
KEY = "0123456789abcdef" * 4


async def live(store):
    await store.record_opt_outs(OURS, [ANNA])
    await store.secret("word")


def test_a_database_goes_to_a_server_and_back(cooee, kept, tmp_path, migrated_url):
    kept(live)
    (tmp_path / "cooee.db-media").mkdir()
    there = cooee("copy", "sqlite:///cooee.db", migrated_url)
    assert there.returncode == 0, there.stderr
    lines = there.stdout.splitlines()
    assert lines[0].split() == ["table", "rows", "checksum", "of", "both"]
    assert [line.split()[1] for line in lines if line.startswith(("opt_outs", "secrets"))] == [
        "1",
        "1",
    ]
    assert f"  export COOEE_MEDIA={tmp_path}/cooee.db-media" in lines
    back = cooee("copy", migrated_url, "sqlite:///back.db")
    assert back.returncode == 0, back.stderr
    assert lines[:14] == back.stdout.splitlines()[:14]


def test_forgotten_people_are_known_again_where_their_key_is(cooee, kept, tmp_path, migrated_url):
    kept(live)
    assert cooee("forget", ANNA, "--yes").returncode == 0
    said = cooee("copy", "sqlite:///cooee.db", migrated_url).stdout
    [line] = [line for line in said.splitlines() if "COOEE_FORGET_KEY" in line]
    assert f"{tmp_path}/cooee.db.key" in line
    key = (tmp_path / "cooee.db.key").read_bytes()
    refused = cooee("copy", migrated_url, "sqlite:///back.db")
    assert "COOEE_FORGET_KEY is not set" in refused.stderr
    assert not (tmp_path / "back.db.key").exists()
    back = cooee("copy", migrated_url, "sqlite:///back.db", COOEE_FORGET_KEY=key.hex())
    assert back.returncode == 0, back.stderr
    assert (tmp_path / "back.db.key").read_bytes() == key
    assert parse_forget_key(key.hex()).value == key


def test_what_cannot_be_copied_is_refused_in_a_sentence(cooee, kept):
    kept(live)
    for source, target, words in (
        ("sqlite:///cooee.db", "sqlite:///./cooee.db", "the same database"),
        ("sqlite:///nowhere.db", "sqlite:///b.db", "There is no database"),
        ("cooee.db", "mysql://host/b", "names no database"),
        ("sqlite:///cooee.db", "sqlite:///cooee.db-copy/b.db", "There is no folder"),
    ):
        refused = cooee("copy", source, target)
        assert refused.returncode in {1, 2}, (source, target)
        assert words in refused.stderr
