"""`cooee backup`."""

import stat


def test_a_backup_holds_everything_and_is_its_owners_alone(cooee, kept, tmp_path):
    kept(lambda store: store.secret("word"))
    said = cooee("backup", "copy.db")
    assert said.stdout.startswith(f"{tmp_path}/copy.db holds everything")
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    database = {"COOEE_DATABASE": "sqlite:///copy.db"}
    assert cooee("conversations", **database).returncode == 0


def test_no_file_is_overwritten(cooee, kept, tmp_path):
    kept(lambda store: store.counts())
    (tmp_path / "copy.db").write_text("precious")
    said = cooee("backup", "copy.db")
    assert said.returncode == 1
    assert "exists already" in said.stderr
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_the_key_to_forgotten_people_is_named_and_not_copied(cooee, kept, tmp_path):
    async def live(store):
        await store.record_opt_outs("+61491570006", ["+61491570156"])

    kept(live)
    assert "The key" not in cooee("backup", "before.db").stdout
    assert cooee("forget", "+61491570156", "--yes").returncode == 0
    said = cooee("backup", "copy.db").stdout.splitlines()
    assert said[1].endswith(f"keep a copy of {tmp_path}/cooee.db.key apart.")
    assert not (tmp_path / "copy.db.key").exists()
