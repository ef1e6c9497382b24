"""The files in deploy/ fit each other and cooee; what runs them is not here."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from cooee.cli.main import load_command
from cooee.providers import find_provider
from cooee.runtime.metrics import _GAUGE_NAMES, _HELP
from cooee.runtime.roles import EVERY_ROLE, parse_roles
from cooee.runtime.settings import KNOWN_SETTINGS, misspelt_settings

FILES = Path(__file__).parents[1] / "deploy"
SETTINGS = {one.name for one in (*KNOWN_SETTINGS, *find_provider("twilio").settings)}
FILE_SETTINGS = {f"{name}_FILE" for name in SETTINGS}
SECRETS = {"COOEE_DATABASE", "COOEE_FORGET_KEY", "TWILIO_AUTH_TOKEN"}


def kubernetes(kind):
    found = yaml.safe_load_all((FILES / "kubernetes.yaml").read_text())
    return {one["metadata"]["name"]: one for one in found if one["kind"] == kind}


def compose():
    return yaml.safe_load((FILES / "compose.yaml").read_text())


def unit():
    lines = (FILES / "shop.service").read_text().splitlines()
    return [tuple(line.split("=", 1)) for line in lines if "=" in line and line[0] != "#"]


def container():
    words = (FILES / "Containerfile").read_text()
    return dict(line.split(None, 1) for line in words.splitlines() if re.match("[A-Z]", line))


def commands():
    yield from (
        one["spec"]["template"]["spec"]["containers"][0]["command"]
        for one in kubernetes("Deployment").values()
    )
    yield compose()["services"]["shop"]["command"]
    yield shlex.split(dict(unit())["ExecStart"].replace("/srv/shop/.venv/bin/", ""))
    yield yaml.safe_load(container()["CMD"])


def environments():
    yield kubernetes("ConfigMap")["shop-texts"]["data"]
    yield compose()["services"]["shop"]["environment"]
    settings = " ".join(value for name, value in unit() if name == "Environment")
    yield dict(word.split("=", 1) for word in settings.split())
    yield dict(word.split("=", 1) for word in shlex.split(container()["ENV"]))


def test_every_command_is_one_of_cooees():
    known = load_command("run").__annotations__
    for name, command, app, *options in commands():
        assert (name, command, app) == ("cooee", "run", "app.py")
        for option, value in zip(options[::2], options[1::2], strict=True):
            assert option.removeprefix("--") in known
            assert value.isdigit() or parse_roles(value)


def test_the_roles_of_the_pods_are_all_there_are():
    roles = [parse_roles(one[-1]) for one in commands() if "--only" in one]
    assert frozenset().union(*roles) == EVERY_ROLE


def test_every_setting_is_known_and_every_secret_a_file():
    for environment in environments():
        names = {name for name in environment if name.startswith(("COOEE_", "TWILIO_"))}
        assert names <= SETTINGS | FILE_SETTINGS
        assert not names & SECRETS
        assert not misspelt_settings(environment)


def test_pods_find_what_they_name():
    volumes = kubernetes("ConfigMap")["shop-texts"]["data"]
    for one in kubernetes("Deployment").values():
        pod = one["spec"]["template"]
        assert one["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
        (shop,) = pod["spec"]["containers"]
        mounts = {mount["name"]: mount["mountPath"] for mount in shop["volumeMounts"]}
        assert set(mounts) == {volume["name"] for volume in pod["spec"]["volumes"]}
        files = [path for name, path in volumes.items() if name.endswith("_FILE")]
        assert all(Path(path).parent == Path(mounts["secrets"]) for path in files)
        assert str(shop["ports"][0]["containerPort"]) in container()["ENV"]
        assert shop["readinessProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    for scaler in kubernetes("HorizontalPodAutoscaler").values():
        assert scaler["spec"]["scaleTargetRef"]["name"] in kubernetes("Deployment")


def test_containers_find_what_they_name():
    parts = compose()
    for service in parts["services"].values():
        assert set(service["secrets"]) <= set(parts["secrets"])
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(parts["volumes"])
        files = [path for name, path in service["environment"].items() if name.endswith("_FILE")]
        assert {Path(path).name for path in files} <= set(service["secrets"])


def test_the_dashboard_and_the_scaler_show_metrics_that_there_are():
    gauges = {*_GAUGE_NAMES.values(), "up", "turn_overdue_seconds", "send_overdue_seconds"}
    known = {f"cooee_{name}" for name in gauges | set(_HELP)}
    panels = json.loads((FILES / "dashboard.json").read_text())["panels"]
    shown = {
        name.removesuffix("_bucket")
        for panel in panels
        for target in panel["targets"]
        for name in re.findall(r"cooee_\w+", target["expr"])
    }
    worker = kubernetes("HorizontalPodAutoscaler")["shop-worker"]["spec"]["metrics"][0]
    page = (FILES.parent / "docs" / "how-to" / "scale.md").read_text()
    written = set(re.findall(r"`(cooee_\w+)", page))
    assert len(shown) > 15
    assert shown | written | {worker["external"]["metric"]["name"]} <= known


@pytest.mark.slow
def test_systemd_takes_the_unit(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("There is no systemd-analyze.")
    words = (FILES / "shop.service").read_text().replace("/srv/shop/.venv/bin/cooee", "/bin/true")
    file = tmp_path / "shop.service"
    file.write_text(words.replace("User=shop", "User=daemon"))
    for check in (["verify"], ["security", "--offline=true", "--threshold=25"]):
        done = subprocess.run(
            ["systemd-analyze", *check, str(file)], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, (done.stdout[-300:], done.stderr)
