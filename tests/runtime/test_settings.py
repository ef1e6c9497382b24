"""Settings: read from the environment or from files, refused with the line to type."""

import pytest

from cooee.core.errors import SettingError
from cooee.runtime import settings as settings_file
from cooee.runtime.settings import KNOWN_SETTINGS, misspelt_settings, read_settings

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
        ({"COOEE_DATABASE": "postgresql://me@host"}, "database behind the host"),
        ({"COOEE_DATABASE": "sqlite:///"}, "sqlite:///"),
        ({"COOEE_PORT": "99999"}, "COOEE_PORT"),
        ({"COOEE_PORT": "eighty"}, "COOEE_PORT"),
        ({"COOEE_POLL_INTERVAL": "0"}, "COOEE_POLL_INTERVAL"),
        ({"COOEE_POLL_INTERVAL": "nan"}, "COOEE_POLL_INTERVAL"),
        ({"COOEE_CONCURRENCY": "0"}, "COOEE_CONCURRENCY"),
        ({"COOEE_CONCURRENCY": "many"}, "COOEE_CONCURRENCY"),
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


WRAPPINGS = ("{}", "{}\n", "{}\r\n", "\ufeff{}", " {} ", '"{}"', "'{}'\r\n", "\u00a0{}\u00a0")


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("by_file", [False, True])
def test_every_setting_is_read_without_its_wrapping(wrapping, by_file, tmp_path):
    plain = {
        **GOOD,
        "COOEE_DATABASE": "sqlite:////srv/cooee.db",
        "COOEE_PUBLIC_URL": "https://texts.example.com",
        "COOEE_SUBSCRIPTION": "keep",
        "COOEE_HOST": "0.0.0.0",
        "COOEE_PORT": "8001",
        "COOEE_POLL_INTERVAL": "2.5",
        "COOEE_CONCURRENCY": "8",
        "COOEE_SEND_TOKEN": "x" * 32,
        "COOEE_MEDIA": "/srv/media",
        "COOEE_MEDIA_LARGEST": "5000",
        "COOEE_MEDIA_TRUSTED": "a.example, b.example",
        "COOEE_LOG_LEVEL": "debug",
        "COOEE_LOG_PRIVATE": "yes",
        "COOEE_TRACING": "yes",
    }
    given = {name: wrapping.format(value) for name, value in plain.items()}
    if by_file:
        for name, value in given.items():
            (tmp_path / name).write_text(value, encoding="utf-8", newline="")
        given = {f"{name}_FILE": str(tmp_path / name) for name in given}
    wanted, settings = read_settings(plain), read_settings(given)
    for field in settings.__struct_fields__:
        assert getattr(settings, field) == getattr(wanted, field), field
    settings.make_provider()


@pytest.mark.parametrize("name", sorted(one.name for one in KNOWN_SETTINGS))
def test_an_empty_setting_is_an_unset_one(name):
    unset = {key: value for key, value in GOOD.items() if key != name}
    assert read_settings({**unset, name: " "}) == read_settings(unset)


@pytest.mark.parametrize("missing", ["opentelemetry", "opentelemetry.trace"])
def test_tracing_needs_opentelemetry(missing, monkeypatch):
    monkeypatch.setattr(settings_file, "find_spec", lambda name: None if name == missing else True)
    assert read_settings({**GOOD, "COOEE_TRACING": "no"}).tracing is False
    with pytest.raises(SettingError, match=r"pip install 'cooee\[tracing\]'"):
        read_settings({**GOOD, "COOEE_TRACING": "yes"})


@pytest.mark.parametrize("value", ["1", "on"])
def test_tracing_is_switched_on_by_yes(value):
    with pytest.raises(SettingError, match=r"COOEE_TRACING='\w+' means nothing. Set it to yes"):
        read_settings({**GOOD, "COOEE_TRACING": value})


def test_a_kubernetes_service_named_cooee_sets_no_port():
    service = {
        "COOEE_PORT": "tcp://10.0.0.1:80",
        "COOEE_SERVICE_HOST": "10.0.0.1",
        "COOEE_SERVICE_PORT": "80",
        "COOEE_SERVICE_PORT_HTTP": "80",
        "COOEE_PORT_80_TCP": "tcp://10.0.0.1:80",
        "COOEE_PORT_80_TCP_ADDR": "10.0.0.1",
        "COOEE_PORT_80_TCP_PORT": "80",
        "COOEE_PORT_80_TCP_PROTO": "tcp",
        "COOEE_DATABASE_SERVICE_HOST": "10.0.0.2",
        "COOEE_DATABASE_PORT": "tcp://10.0.0.2:5432",
        "COOEE_DATABASE_PORT_5432_TCP": "tcp://10.0.0.2:5432",
    }
    assert read_settings({**GOOD, **service}) == read_settings(GOOD)
    (sentence,) = misspelt_settings(service)
    assert sentence.startswith("COOEE_PORT=tcp://10.0.0.1:80 is how Kubernetes announces a service")
    assert misspelt_settings({**service, "COOEE_PORT": "8001"}) == []


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://texts.example.com", "https://texts.example.com"),
        ("https://texts.example.com/", "https://texts.example.com"),
        ("https://texts.example.com//", "https://texts.example.com"),
        ("HTTPS://Texts.Example.COM", "https://texts.example.com"),
        ("https://texts.example.com:443/", "https://texts.example.com"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://texts.example.com:8443/", "https://texts.example.com:8443"),
        ("https://texts.example.com./sms/", "https://texts.example.com/sms"),
        ("https://texts.example.com/Sms/v1", "https://texts.example.com/Sms/v1"),
        ("https://me:pw@Texts.example.com/", "https://me:pw@texts.example.com"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("https://texts.example.com/gr\u00fc\u00dfe", "https://texts.example.com/gr%C3%BC%C3%9Fe"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_a_public_url_has_one_spelling(given, url):
    assert read_settings({**GOOD, "COOEE_PUBLIC_URL": given}).public_url == url


@pytest.mark.parametrize("name", ["COOEE_PUBLIC_URL", "TELSTRA_BASE_URL"])
@pytest.mark.parametrize(
    "value",
    [
        "https://", "https:///", "http://", "https://:443", "https://x:port", "//texts.example.com",
        "texts.example.com", "ftp://texts.example.com", "https://a b.example", "https://a\u200bb.example",
        "https://texts.example.com?x=1", "https://texts.example.com/#top", "https://texts.example.com/?",
        "https://[::1", "https://me:s3cret@", "tcp://10.0.0.1:80",
    ],
)  # fmt: skip
def test_what_is_no_url_is_refused_by_name(name, value):
    with pytest.raises(SettingError, match=name) as caught:
        read_settings({**GOOD, name: value}).make_provider()
    assert "s3cret" not in str(caught.value)


def test_the_passwords_of_urls_are_secrets():
    urls = {
        "COOEE_DATABASE": "postgresql://me:s3cr3t@host/a",
        "COOEE_PUBLIC_URL": "https://me:p4ss@x.example",
        "HTTPS_PROXY": "http://me:pr0xy@p:1",
    }
    assert {"s3cr3t", "p4ss", "pr0xy"} <= set(read_settings({**GOOD, **urls}).secrets)


def test_another_kind_of_proxy_stops_the_start():
    with pytest.raises(SettingError, match="ALL_PROXY"):
        read_settings({**GOOD, "ALL_PROXY": "socks5://127.0.0.1:1080"})


def test_the_key_of_forgotten_people_is_a_secret_of_64_hex_digits(tmp_path):
    key = "0123456789abcdef" * 4
    (tmp_path / "key").write_text(f"{key}\n")
    settings = read_settings({**GOOD, "COOEE_FORGET_KEY_FILE": str(tmp_path / "key")})
    assert settings.forget_key == key
    assert key in settings.secrets
    assert read_settings(GOOD).forget_key == ""
    with pytest.raises(SettingError, match="64 hex digits"):
        read_settings({**GOOD, "COOEE_FORGET_KEY": "short"})
