"""`cooee check`, typed by a person whose simulator works, or does not."""

import json
import re
import socket

STOPWATCH = """
from cooee import App

app = App()

@app.on("STOP", "HALT")
def stop(chat):
    return "Stopped."
"""


def verdicts(said):
    told = json.loads(said.stdout)
    return told["ok"], {one["name"]: one["verdict"] for one in told["checks"]}


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return str(door.getsockname()[1])


def test_where_all_is_well_it_says_so_and_ends_with_0(cooee, simulator, written):
    written(STOPWATCH)
    port = free_port()
    pushed = {"COOEE_PORT": port, "COOEE_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    simulated = {
        "COOEE_PROVIDER": "simulated",
        "SIMULATED_BASE_URL": f"{simulator.base}/simulated/v1",
        "SIMULATED_KEY": "a-word-of-its-own",
    }
    said = cooee("check", "app.py", "--json", **simulated, **pushed)
    assert said.returncode == 0, said.stdout + said.stderr
    ok, found = verdicts(said)
    assert ok
    assert found.pop("number") in {"ok", "note"}
    assert set(found.values()) == {"ok"}
    assert {"credentials", "clock", "webhook", "database", "time zones", "keywords"} <= set(found)
    said = cooee("check", "app.py", **simulated, **pushed)
    assert re.search(r"^ok +credentials +simulated accepts them\.$", said.stdout, re.MULTILINE)


def test_what_is_wrong_is_named_and_it_ends_with_1(cooee, start, written):
    simulator = start(
        "simulator", "--port", "0", "--client-id", "me", "--client-secret", "mine-alone"
    )
    base = simulator.until(r"control interface +(http://\S+)/control/")[1]
    keys = {"TELSTRA_CLIENT_ID": "me", "TELSTRA_CLIENT_SECRET": "another-secret"}
    wrong = {**keys, "TELSTRA_BASE_URL": f"{base}/telstra/v2", "COOEE_PROVIDER": "telstra-v2"}
    closed = {"COOEE_PUBLIC_URL": f"http://127.0.0.1:{free_port()}"}
    said = cooee("check", "nowhere.py", "--json", **wrong, **closed)
    assert said.returncode == 1
    ok, found = verdicts(said)
    assert not ok
    assert {name for name, verdict in found.items() if verdict == "wrong"} == {
        "credentials",
        "webhook",
        "app",
    }
    assert "another-secret" not in said.stdout + said.stderr


def test_a_setting_whose_value_is_a_common_word_masks_no_word(cooee, start):
    simulator = start("simulator", "--port", "0", "--client-id", "me", "--client-secret", "mine")
    base = simulator.until(r"control interface +(http://\S+)/control/")[1]
    words = {"TELSTRA_CLIENT_ID": "credentials", "TELSTRA_CLIENT_SECRET": "telstra-v3"}
    telstra = {"TELSTRA_BASE_URL": f"{base}/telstra/v3/messaging/v3"}
    said = cooee("check", COOEE_PROVIDER="telstra-v3", **words, **telstra)
    assert "telstra-v3 does not accept them" in said.stdout
    assert "[secret]" not in said.stdout + said.stderr


def test_a_setting_that_is_missing_is_shown_with_the_line_to_type(cooee):
    said = cooee("check", COOEE_PROVIDER="telstra-v2")
    assert said.returncode == 1
    assert "export TELSTRA_CLIENT_ID=" in said.stdout


def test_it_may_be_run_beside_a_running_app(cooee, start, simulator, written):
    written(STOPWATCH)
    port = free_port()
    told = {
        **simulator.settings,
        "COOEE_PORT": port,
        "COOEE_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    app = start("run", "app.py", COOEE_PROVIDER="telstra-v2", **told)
    app.until("listening")
    said = cooee("check", "app.py", "--json", COOEE_PROVIDER="telstra-v2", **told)
    assert said.returncode == 0, said.stdout
    assert verdicts(said)[1]["webhook"] == "ok"
    assert app.end()[0] == 0
