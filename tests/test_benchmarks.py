"""The benchmarks run, and measure what they say."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run_benchmark(script, *args, cwd=None, timeout_s=60):
    """Run a benchmark to its end, and return what it printed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / script), *args],
        check=False,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_turn_engine_is_measured_beside_the_same_sql(tmp_path):
    said = run_benchmark("turns.py", "--seconds", "0.3", "--batches", "1,16", cwd=tmp_path)
    print(said)
    rows = re.findall(r"^ +(\d+) +([\d,]+) +([\d,]+) +(\d+)%", said, re.MULTILINE)
    assert [int(batch) for batch, *_ in rows] == [1, 16]
    assert all(int(ours.replace(",", "")) > 0 for _, _, ours, _ in rows)


def test_the_sender_alone_is_measured_and_its_texts_share_commits(tmp_path):
    said = run_benchmark("sending.py", "--seconds", "0.5", "--delays", "0,20", cwd=tmp_path)
    rows = re.findall(r"^ +(\d+) ms +([\d,]+) +([\d,]+) +(\d+) +([\d.]+)$", said, re.MULTILINE)
    assert [int(delay) for delay, *_ in rows] == [0, 20]
    assert all(float(writes) < 1 for *_, writes in rows), "two where nothing is shared"


@pytest.mark.slow
def test_postgres_is_measured_beside_its_own_sql(tmp_path, postgres):
    told = ("--seconds", "0.3", "--batches", "1,16", "--processes", "2", "--url", postgres.url())
    said = run_benchmark("postgres.py", *told, cwd=tmp_path, timeout_s=600)
    rows = re.findall(r"^ +(\d+) +([\d,]+) +([\d,]+) +([\d,]+) +(\d+)%", said, re.MULTILINE)
    assert [int(batch) for batch, *_ in rows] == [1, 16]
    assert re.search(r"^ +2 processes: [\d,]+ texts a second$", said, re.MULTILINE)


def test_a_replay_before_a_deploy_is_measured():
    said = run_benchmark("preflight.py", "--people", "300")
    assert re.search(r"^cooee preflight: [\d.]+ s, .* so 100,000 in \d+ s", said, re.MULTILINE)


def test_dialogues_are_measured_beside_plain_handlers(tmp_path):
    said = run_benchmark("dialogues.py", "--seconds", "0.2", "--batches", "1,16", cwd=tmp_path)
    print(said)
    rows = re.findall(r"^ +(\d+) +([\d,]+) +([\d,]+) +(\d+)%", said, re.MULTILINE)
    assert [int(batch) for batch, *_ in rows] == [1, 16]
    assert all(int(rate.replace(",", "")) > 0 for row in rows for rate in row[1:3])


def test_a_turn_is_measured_by_what_its_person_has():
    said = run_benchmark("sizes.py", "--dialogues", "1,20", "--kilobytes", "1", "--turns", "1")
    rows = re.findall(r"^ +([\d,]+) +([\d.]+)", said, re.MULTILINE)
    assert [row for row, _ in rows] == ["1", "20", "1", "10", "1,000", "10,000"]


def test_a_turn_beside_more_texts_executes_as_many_statements(tmp_path):
    words = ["--texts", "200,2000", "--waiting", "0", "--slices", "1", "--json", "growth.json"]
    said = run_benchmark("growth.py", *words, cwd=tmp_path, timeout_s=300)
    rows = re.findall(r"^ +([\d,]+) +\d+ +([\d.]+) ", said, re.MULTILINE)
    assert [texts for texts, _ in rows] == ["200", "2,000"]
    assert rows[0][1] == rows[1][1]
    [growth] = json.loads((tmp_path / "growth.json").read_text())["costs"].values()
    assert growth > 0
    assert [file.name for file in tmp_path.iterdir()] == ["growth.json"]


@pytest.mark.slow
def test_an_app_is_measured_beside_people_who_wait(tmp_path):
    words = ["--texts", "", "--waiting", "100", "--idle", "0.5"]
    said = run_benchmark("growth.py", *words, cwd=tmp_path, timeout_s=240)
    rows = re.findall(r"^(\S.*?) +([\d,.]+)$", said, re.MULTILINE)
    assert said.count("100 wait") == 1
    assert len(rows) == 12


@pytest.mark.slow
def test_the_whole_path_is_measured_with_a_load_and_a_provider_of_their_own(tmp_path):
    words = ["--seconds", "0.5", "--rounds", "1", "--rates", "20", "--greeted", "20"]
    words += ["--only", "cooee-answer,cooee-rest"]
    print(run_benchmark("peers.py", *words, cwd=tmp_path, timeout_s=240))
    measured = json.loads((tmp_path / "peers.json").read_text())
    assert measured["failed"] == {}
    for kind in ("closed", "open"):
        assert {"cooee-answer", "cooee-rest"} == {name.split()[0] for name in measured[kind]}
        for [run] in measured[kind].values():
            assert run["texts"] > 0
            assert run["lost"] == 0
            assert run["refused"] == {}
            assert run["cpu_ms_a_text"] > 0


def test_starts_are_measured_beside_python_itself(tmp_path):
    run_benchmark(
        "starts.py", "--rounds", "1", "--json", "starts.json", cwd=tmp_path, timeout_s=120
    )
    ratios = json.loads((tmp_path / "starts.json").read_text())["costs"]
    assert ratios.keys() == {"import cooee", "cooee --help", "cooee run"}
    assert all(ratio > 0 for ratio in ratios.values())


def test_each_step_of_a_text_is_measured(tmp_path):
    run_benchmark(
        "budget.py",
        "--repeats",
        "2",
        "--batch",
        "4",
        "--json",
        "budget.json",
        cwd=tmp_path,
        timeout_s=120,
    )
    steps = json.loads((tmp_path / "budget.json").read_text())["costs"]
    assert len(steps) > 10
    assert all(seconds > 0 for seconds in steps.values())


def test_what_got_worse_by_a_tenth_is_marked(tmp_path):
    history = tmp_path / "history.jsonl"

    def record(share, cost):
        (tmp_path / "turns.json").write_text(
            json.dumps({"shares": {"batch 1": share}, "costs": {"start": cost}})
        )
        words = [str(tmp_path / "turns.json"), "--history", str(history)]
        script = [sys.executable, str(ROOT / "benchmarks" / "history.py"), *words]
        return subprocess.run(script, check=True, capture_output=True, text=True).stdout

    assert record(0.5, 10).count("new") == 2
    for share, cost in ((0.52, 9.5), (0.47, 10.5), (0.9, 5)):
        assert "WORSE" not in record(share, cost)
    fewer, longer = record(0.4, 12).splitlines()
    assert re.fullmatch(r"turns: batch 1 +0\.4 +-\d+%   WORSE", fewer)
    assert re.fullmatch(r"turns: start +12 +-\d+%   WORSE", longer)
    assert len(history.read_text().splitlines()) == 5


@pytest.mark.slow
def test_each_threads_share_of_a_text_is_measured(tmp_path):
    words = ["--seconds", "1", "--json", "cores.json"]
    said = run_benchmark("cores.py", *words, cwd=tmp_path, timeout_s=240)
    shares = dict(re.findall(r"^(\S.*?) +(\d+)%$", said, re.MULTILINE))
    assert {"MainThread", "cooee-app", "cooee-sqlite"} <= shares.keys()
    [outside] = json.loads((tmp_path / "cores.json").read_text())["costs"].values()
    assert 0 < outside < 1
