"""Settings: read from the environment or from files, refused with the line to type."""

import pytest

from cooee.core.errors import SettingError
from cooee.runtime.settings import misspelt_settings, read_settings

GOOD = {
    "TELSTRA_CLIENT_ID": "id",
    "TELSTRA_CLIENT_SECRET": "s3cret",
    "COOEE_PROVIDER": "telstra-v2",
}


def test_the_defaults_poll_into_a_file_here():
    settings = read_settings(GOOD)
    assert settings.database == "sqlite:///cooee.db"
    assert (settings.public_url, settings.poll_interval, settings.port) == (None, 1.0, 8000)


def test_every_setting_may_be_a_file(tmp_path):
    (tmp_path / "secret").write_text("from the file\n")
    (tmp_path / "port").write_text("9001")
    told = {
        "COOEE_PROVIDER": "telstra-v2",
        "TELSTRA_CLIENT_ID": "id",
        "TELSTRA_CLIENT_SECRET_FILE": str(tmp_path / "secret"),
        "COOEE_PORT_FILE": str(tmp_path / "port"),
    }
    settings = read_settings(told)
    assert settings.values["TELSTRA_CLIENT_SECRET"] == "from the file"
    assert settings.port == 9001


def test_all_that_is_missing_is_named_with_what_to_type():
    with pytest.raises(SettingError) as caught:
        read_settings({"COOEE_PROVIDER": "telstra-v2"})
    assert "export TELSTRA_CLIENT_ID=" in str(caught.value)
    assert "export TELSTRA_CLIENT_SECRET=" in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ({"COOEE_PROVIDER": "telstar"}, "telstra-v2"),
        ({"COOEE_DATABASE": "mysql://x"}, "sqlite:///"),
        ({"COOEE_DATABASE": "postgresql://me@host/cooee"}, "PostgreSQL is to come"),
        ({"COOEE_DATABASE": "sqlite:///"}, "sqlite:///"),
        ({"COOEE_PORT": "99999"}, "COOEE_PORT"),
        ({"COOEE_PORT": "eighty"}, "COOEE_PORT"),
        ({"COOEE_POLL_INTERVAL": "0"}, "COOEE_POLL_INTERVAL"),
        ({"COOEE_POLL_INTERVAL": "nan"}, "COOEE_POLL_INTERVAL"),
        ({"COOEE_PUBLIC_URL": "texts.example.com"}, "https://"),
        ({"COOEE_SUBSCRIPTION": "kept"}, "keep"),
        ({"TELSTRA_CLIENT_SECRET_FILE": "/nowhere"}, "Unset one"),
        ({"COOEE_PORT_FILE": "/nowhere"}, "COOEE_PORT_FILE"),
    ],
)
def test_what_makes_no_sense_is_refused_with_advice(wrong, advice):
    with pytest.raises(SettingError, match=advice):
        read_settings({**GOOD, **wrong})


def test_no_secret_is_in_a_repr_or_a_message():
    assert "s3cret" not in repr(read_settings(GOOD))
    with pytest.raises(SettingError) as caught:
        read_settings({**GOOD, "COOEE_PORT": "x"})
    assert "s3cret" not in str(caught.value)


def test_a_default_is_no_secret():
    assert read_settings({"COOEE_PROVIDER": "simulated"}).secrets == []
    assert read_settings({"COOEE_PROVIDER": "simulated", "SIMULATED_KEY": "mine!!"}).secrets == [
        "mine!!"
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("COOEE_DATBASE", "COOEE_DATABASE"),
        ("COOEE_DATABASE_URL", "COOEE_DATABASE"),
        ("COOEE_PORTS", "COOEE_PORT"),
        ("COOEE_SEND_TOKEN_FLIE", "COOEE_SEND_TOKEN_FILE"),
        ("COOEE_PORT", None),
        ("COOEE_PORT_FILE", None),
        ("COOEE_STOPWATCH_FRIENDS", None),
        ("DATABASE", None),
    ],
)
def test_a_misspelt_setting_is_named_with_the_one_that_was_meant(name, meant):
    sentences = misspelt_settings({name: "x", "PATH": "y"})
    expected = f"{name} is no setting, so it is ignored. Did you mean {meant}?"
    assert sentences == ([expected] if meant else [])
