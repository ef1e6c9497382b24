"""The documentation is true: every block of code in it runs, in the order of its page.

- python runs, with what the page's earlier blocks made; or is saved, where the words before it
  say "Save it as `app.py`", or "Add this to `app.py`". A saved file is run, a saved test passes.
- sh is typed: each line succeeds. What goes on (`cooee run`, `cooee simulator`, …) is left running
  to the page's end, or until the words before a block say Ctrl-C, and has to end well. What
  installs something is only looked at.
- text is what the block before it printed, "…" standing for anything; or, beginning with ">"
  or "... 2 days", a conversation that the page's app holds on a phone.
- json, toml and ini can be read. Sphinx itself proves what stands in {braces}; an example that
  is shown by {literalinclude} becomes the page's app.
"""

import ast
import asyncio
import configparser
import contextlib
import inspect
import io
import json
import os
import re
import runpy
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
import tomllib
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal
from importlib.metadata import metadata
from pathlib import Path
from typing import Literal, NamedTuple
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from packaging.requirements import Requirement

import cooee
from cooee.cli.load_app import import_app
from cooee.core.parsing.answers import NotUnderstood, ParseContext, parse_answer, parser_for
from cooee.providers import Features, provider_names
from cooee.simulator import control_api
from cooee.simulator.faults import FAULT_NAMES
from cooee.testing import Kit

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if "_build" not in page.parts]
BIN = Path(sys.executable).parent


class Block(NamedTuple):
    where: str
    language: str
    text: str
    before: str  # the paragraph before it


def blocks(words, name):
    """Every fenced block, also of those that are indented."""
    fence = re.compile(r"^([ ]*)(`{3,}|:{3,})(.*)\n((?:.*\n)*?)\1\2[ ]*$", re.MULTILINE)
    for found in fence.finditer(words):
        line = words.count("\n", 0, found.start()) + 1
        before = words[: found.start()].rstrip().rpartition("\n\n")[2]
        text = textwrap.dedent(found[4])
        yield Block(f"{name}:{line}", found[3].strip(), text, before)


def page_blocks(page):
    return list(blocks(page.read_text(), page.relative_to(DOCS)))


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return str(door.getsockname()[1])


# What is not typed, but looked at: it would install something, or is done elsewhere.
LOOKED_AT = ("pip install ", "python -m venv ", "python3 -m venv ", ". ", "make ")

# What goes on until it is told to stop, and what it says once it is ready.
LOOKS = (
    "curl --silent http",
    "cooee conversations",
    "cooee waiting",
    "cooee check",
)  # changes nothing
GOES_ON = {
    "cooee run ": "listening",
    "cooee simulator": "The simulator is running",
    "cooee phone ": "The phone is at",
    "uvicorn ": "Uvicorn running",
}
BASES = {
    "simulated": ("SIMULATED_BASE_URL", "/simulated/v1"),
    "telstra-v2": ("TELSTRA_BASE_URL", "/telstra/v2"),
    "telstra-v3": ("TELSTRA_BASE_URL", "/telstra/v3/messaging/v3"),
    "twilio": ("TWILIO_BASE_URL", "/twilio"),
}
MADE_UP = {
    "TELSTRA_CLIENT_ID": "any",
    "TELSTRA_CLIENT_SECRET": "any",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "0" * 32,
}


class Desk:
    """Somebody with a terminal and an editor, who does what a page says."""

    def __init__(self, folder, simulator):
        self.folder, self.simulator = folder, simulator
        self.env = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ}
        self.env |= {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder)}
        self.env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
        self.ports = {port: free_port() for port in ("8000", "8400", "8410")}
        self.env |= {"COOEE_PORT": self.ports["8000"]}
        self.env |= {"SIMULATED_BASE_URL": f"http://127.0.0.1:{self.ports['8400']}/simulated/v1"}
        (folder / ".curlrc").write_text("fail\nshow-error\n")  # a 4xx is no success
        self.known, self.exported = {"__name__": "page"}, set()
        self.app = None
        self.said = self.last_typed = ""
        self.running = []

    def do(self, block):
        text = re.sub(r"\b(8000|8400|8410)\b", lambda port: self.ports[port[0]], block.text)
        if "Ctrl-C" in block.before:
            self.leave()
        saved = re.search(r"\b(Save|Add)\b[^`]*`([\w./-]+)`[^`]*$", block.before)
        if block.language not in {"python", "sh", "text", "json", "toml", "ini"}:
            pytest.fail(f"There is no test for {block.language!r}.")
        if saved and block.language != "text":
            self.save(saved[2], text, add=saved[1] == "Add")
        getattr(self, f"_{block.language}")(text, saved[2] if saved else None, block.where)

    def show(self, block):
        """Take an example that the page shows as its app, in a folder `examples`; or a file."""
        shown, name = (
            ROOT / block.language.partition("../../")[2],
            block.language.rpartition("/")[2],
        )
        if shown.suffix != ".py":
            shutil.copy(shown, self.folder / name)
            return
        self.app = self.folder / "examples" / name
        self.app.parent.mkdir(exist_ok=True)
        self.app.write_text((ROOT / "examples" / name).read_text())

    def save(self, name, text, *, add):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() + "\n\n" if add else "") + text)

    # Languages

    def _python(self, text, file, where):
        out, told = io.StringIO(), {name: self.env[name] for name in self.exported}
        with contextlib.redirect_stdout(out), patch.dict(os.environ, told):
            if file is None:
                self._run_python(text, where)
            elif Path(file).name.startswith("test_"):
                self._type(f"pytest -q -p no:cacheprovider {file}")
            else:
                self._run_file(self.folder / file)
        self.said = out.getvalue()

    def _run_python(self, text, where):
        page, _, line = where.partition(":")  # a block's lines are those of its page
        text = "\n" * int(line or 0) + text
        code = compile(text, page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if code.co_flags & inspect.CO_COROUTINE:
            asyncio.run(asyncio.wait_for(eval(code, self.known), 60))
        else:
            exec(code, self.known)

    def _run_file(self, path):
        forget_modules(self.folder)
        if "App(" in path.read_text():
            self.app = path
        runpy.run_path(str(path), run_name="page")

    def _sh(self, text, *_):
        self.said = ""
        for line in text.replace("\\\n", " ").splitlines():
            command = line.strip()
            if command and not command.startswith("#"):
                self._line(command)

    def _line(self, command):
        if command.startswith("export "):
            self._export(command)
        elif command.startswith("cd "):
            self.folder = (self.folder / command.split()[1]).resolve()
            assert self.folder.is_dir(), command
        elif command.startswith(LOOKED_AT):
            self._install(command)
        elif command.startswith(tuple(GOES_ON)) and "--terminal" not in command:
            self._start(command)
        else:
            self._type(command)

    def _text(self, text, *_):
        if re.match(r">|\.\.\. \d", text):
            asyncio.run(self._follow(text))
            return
        deadline = time.monotonic() + 60
        while missing := self._missing(text):
            asks_again = self.last_typed.startswith(LOOKS) and " -d " not in self.last_typed
            looks_again = asks_again and time.monotonic() < deadline  # the machine may be busy
            assert looks_again, f"{missing!r} was not printed. What was:\n{self.said}"
            self._type(self.last_typed)

    def _missing(self, text):
        """Return the first line of a text that was not printed in its turn; "" for none."""
        came = [" ".join(line.split()) for line in self.said.splitlines()]
        for line in filter(None, (" ".join(line.split()) for line in text.splitlines())):
            wanted = re.compile(".*".join(map(re.escape, re.split(" ?… ?", line))))
            at = next((n for n, said in enumerate(came) if wanted.fullmatch(said)), None)
            if at is None:
                return line
            came = came[at + 1 :]
        return ""

    async def _follow(self, script):
        forget_modules(self.folder)
        told = {name: self.env[name] for name in self.exported}
        with patch.dict(os.environ, told):
            async with asyncio.timeout(60), Kit(import_app(str(self.app))) as kit:
                await kit.phone().follow(script)

    def _json(self, text, *_):
        json.loads(text)

    def _toml(self, text, *_):
        tomllib.loads(text)

    def _ini(self, text, *_):
        configparser.ConfigParser().read_string(text)

    # The terminal

    def _install(self, command):
        """Look at what installs something; an environment's folder is made."""
        look_at(command)
        if " -m venv " in command:
            (self.folder / command.split()[-1]).mkdir(parents=True)

    def _export(self, command):
        name = command.split()[1].partition("=")[0]
        self.exported.add(name)
        if name.endswith("_FILE"):
            secret = self.folder / "secret"
            secret.write_text(MADE_UP[name.removesuffix("_FILE")])
            self.env[name] = str(secret)
            return
        value = self._bash(f'{command.removeprefix("export ")}\nprintf %s "${name}"').stdout
        self.env[name] = MADE_UP[name] if "…" in value or value == "..." else value

    def _type(self, command):
        asked = command.startswith(("cooee forget", "cooee prune", "cooee retry"))
        done = self._bash(command, "y\n" if asked else "")
        self.last_typed = command
        self.said += done.stdout + done.stderr

    def _bash(self, command, typed="", seconds=60):
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command],
            check=False,
            cwd=self.folder,
            env=self.env,
            input=typed,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done

    def _start(self, command):
        word = next(word for word in GOES_ON if command.startswith(word))
        if word == "cooee phone ":
            command += " --no-browser"
        log = self.folder / f"server-{len(self.running)}.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                shlex.split(command, comments=True),
                cwd=self.folder,
                env=self.bases() | self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.running.append((command, process))
        deadline = time.monotonic() + 60
        while GOES_ON[word] not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                self.running.pop()
                process.kill()
                pytest.fail(f"{command} is not ready:\n{log.read_text()}")
            time.sleep(0.02)
        self.said += log.read_text()

    def bases(self):
        """Where the company's API is: in the simulator, and never at the company."""
        name, path = BASES[self.env.get("COOEE_PROVIDER", "telstra-v2")]
        return {name: self.simulator.rstrip("/") + path}

    def leave(self):
        """End what goes on, the last first; each has to end well."""
        ends = []
        while self.running:
            command, process = self.running.pop()
            process.send_signal(signal.SIGTERM)
            try:
                ends.append((command, process.wait(timeout=12)))
            except subprocess.TimeoutExpired:
                process.kill()
                ends.append((command, "did not end"))
        well = {0, -signal.SIGTERM}  # uvicorn raises its signal again when all is done
        assert [end for end in ends if end[1] not in well] == []


class FreshDesk(Desk):
    """Somebody who has a copy of the source and a Python, and types what installs cooee as well."""

    def __init__(self, source, simulator, programs):
        super().__init__(source, simulator)
        (programs / "python3").symlink_to(sys._base_executable)
        ours = (str(BIN), os.environ.get("VIRTUAL_ENV", "-") + "/bin")
        found = [path for path in os.environ["PATH"].split(":") if path not in ours]
        self.env |= {"PATH": ":".join([str(programs), *found])}
        known = re.compile(r"HOME|PIP_\w+|\w+_proxy|SSL_CERT_\w+|REQUESTS_CA_BUNDLE", re.IGNORECASE)
        self.env |= {name: value for name, value in os.environ.items() if known.fullmatch(name)}

    def _install(self, command):
        if command.startswith(". "):
            shown = self._bash(f'{command} && printf \'%s\n\' "$PATH" "$VIRTUAL_ENV"').stdout
            self.env["PATH"], self.env["VIRTUAL_ENV"] = shown.splitlines()
        else:
            self._bash(command, seconds=600)

    def _run_file(self, path):
        self.app = path if "App(" in path.read_text() else self.app
        self._type(f"python3 {path.name}")

    async def _follow(self, script):
        talk = self.folder / ".talk.py"
        talk.write_text(f"""
import asyncio
from cooee.cli.load_app import import_app
from cooee.testing import Kit

async def talk():
    async with Kit(import_app({str(self.app)!r})) as kit:
        await kit.phone().follow({script!r})

asyncio.run(talk())
""")
        self._type(f"python3 {talk.name}")


def forget_modules(folder):
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


def look_at(command):
    """Hold what a page has people install, or make, against what there is."""
    words = shlex.split(command, comments=True)
    if words[0] == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert words[1] in targets, command
    if words[0] == "pip":
        for wanted in [Requirement(word.replace(".[", "cooee[")) for word in words[2:]]:
            extras = metadata(wanted.name).get_all("Provides-Extra", [])
            assert wanted.extras <= set(extras), command


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    """The address of a simulator that all pages share, for pages that start none."""
    said = tmp_path_factory.mktemp("simulator") / "said"
    with said.open("w") as out:
        command = [sys.executable, "-m", "cooee", "simulator", "--port", "0"]
        process = subprocess.Popen(command, stdout=out)
    deadline = time.monotonic() + 60
    while "curl" not in said.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield re.search(r"control interface +(http\S+)/control/", said.read_text())[1]
    process.terminate()
    process.wait(timeout=12)


@pytest.fixture
def desk(tmp_path, simulator, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a file may change within a second
    desk = Desk(tmp_path, simulator)
    try:
        yield desk
        desk.leave()
    finally:
        for _, process in desk.running:  # where the page has failed
            process.kill()
        forget_modules(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_block_of_a_page_runs(page, desk):
    if "\ncurl " in page.read_text() and shutil.which("curl") is None:
        pytest.skip("This page needs curl, and there is none.")
    for block in page_blocks(page):
        if block.language.startswith("{literalinclude} "):
            desk.show(block)
        elif not block.language.startswith("{"):
            try:
                desk.do(block)
            except BaseException as error:
                error.add_note(f"docs/{block.where}")
                raise


@pytest.mark.slow
def test_the_tutorial_is_typed_from_its_first_line_in_a_fresh_environment(tmp_path, simulator):
    source, programs = tmp_path / "cooee", tmp_path / "programs"
    kept_out = (
        "*.db*",
        "__pycache__",
        "_build",
        ".*_cache",
        ".git",
        ".venv",
        ".hypothesis",
        "dist",
    )
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*kept_out))
    programs.mkdir()
    desk = FreshDesk(source, simulator, programs)
    try:
        for block in page_blocks(DOCS / "tutorial.md"):
            desk.do(block)
        desk.leave()
        desk.do(Block("cooee new", "sh", "cooee new my-app\ncd my-app\n", ""))
        desk.do(
            Block("cooee new", "sh", "pip install -r requirements.txt\npytest -q -W error\n", "")
        )
        assert "2 passed" in desk.said
    finally:
        for _, process in desk.running:
            process.kill()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_no_code_hides_from_its_test(page):
    words = page.read_text()
    assert "code-block::" not in words
    assert not re.search(r"^(~~~|\t)", words, re.MULTILINE)
    unfenced = re.sub(r"^( *)(`{3,})(.*\n)*?\1\2 *$", "", words, flags=re.MULTILINE)
    assert not re.search(r"\n\n {4,}\S.*", unfenced)
    fences = re.findall(r"^ *(?:`{3,}|:{3,}).*$", words, re.MULTILINE)
    assert len(fences) == 2 * len(page_blocks(page))
    assert [b.where for b in page_blocks(page) if not b.language] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_link_and_every_test_that_is_named_is_there(page):
    words = page.read_text()
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", words):
        assert target.startswith("https://") or (page.parent / target).exists(), target
    for path, name in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", words):
        assert f"def {name}" in (ROOT / path).read_text() if name else (ROOT / path).exists(), path


@pytest.mark.parametrize("room", ["how-to", "internals", "examples", "providers", "reference"])
def test_the_first_page_of_a_room_leads_to_every_page_of_it(room):
    index = (DOCS / room / "index.md").read_text().partition("```{toctree}")[0]
    pages = {page.name for page in (DOCS / room).glob("*.md")} - {"index.md"}
    assert pages <= set(re.findall(r"\]\(([\w.-]+)", index))


def check(desk, words):
    for block in blocks(textwrap.dedent(words), "a page"):
        desk.do(block)


def test_the_simulators_page_has_every_call_and_every_fault():
    page = (DOCS / "how-to" / "simulator.md").read_text()
    calls = re.findall(r"^\| `([A-Z]+) /control(/\S+)`", page, re.MULTILINE)
    source = inspect.getsource(control_api)
    assert set(calls) == set(re.findall(r'"([A-Z]+)", "(/[\w/{}]+)"', source))
    faults = page.partition("## Faults")[2].partition("```")[0]
    assert set(re.findall(r"`([a-z0-9:A-Z-]+)`", faults)) == set(FAULT_NAMES)


def test_the_table_of_providers_shows_every_feature_of_every_provider(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import generated

    head, _, *rows = generated.providers(2).splitlines()
    assert re.findall(r"`([\w-]+)`", head) == provider_names()
    assert len(rows) == len(Features.__struct_fields__)
    assert {row.count("|") for row in rows} == {len(provider_names()) + 2}


def test_every_answer_in_the_table_of_types_is_read_as_one():
    page = (DOCS / "dialogues.md").read_text()
    table = page.partition("| type | people text |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(.+?)` \| (`.+?`) \|", table, re.MULTILINE)
    types = {"date": date, "time": clock, "datetime": datetime, "Decimal": Decimal}
    types |= {"Literal": Literal, "PhoneNumber": cooee.PhoneNumber, "Email": cooee.Email}
    types |= {"Birthday": cooee.Birthday}
    here = ParseContext(datetime(2026, 11, 25, 10, tzinfo=UTC), lambda: UTC, "+61491570006")
    types |= {"ZoneInfo": ZoneInfo}
    assert len(rows) == 12
    for kind, texts in rows:
        for text in re.findall("`(.+?)`", texts):
            assert parse_answer(parser_for(eval(kind, types)), text, here) is not None, text
    assert parse_answer(parser_for(date), "3/4", here) == date(2027, 4, 3)
    american = replace(here, our_number="+12025550123")
    assert parse_answer(parser_for(date), "3/4", american) == date(2027, 3, 4)


def test_every_day_and_time_in_the_table_of_days_is_read_as_one_or_asked_again():
    page = (DOCS / "dialogues.md").read_text().partition("### Days and times")[2]
    rows = re.findall(r"^\| `(.+?)` \| (`.+`.*?) \| (.+?) \|$", page, re.MULTILINE)
    types = {"date": date, "time": clock, "datetime": datetime, "Birthday": cooee.Birthday}
    sydney = ZoneInfo("Australia/Sydney")
    now = datetime(2026, 11, 25, 10, tzinfo=sydney)
    here = ParseContext(now, lambda: sydney, "+61491570006", "+61491570156")
    assert len(rows) == 16
    for kind, texts, shown in rows:
        for text in re.findall("`(.+?)`", texts):
            try:
                found = str(parse_answer(parser_for(types[kind]), text, here))
            except NotUnderstood:
                found = "asked again"
            assert found.startswith(shown), text


def test_every_example_has_a_page_and_a_test():
    examples = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert examples == {
        path.stem[5:] for path in (ROOT / "tests/scenarios/examples").glob("test_*.py")
    }
    shown = {path.stem for path in (DOCS / "examples").glob("*.md")} - {"index"}
    assert shown == examples - {"stopwatch"}, "the tutorial has that one"


def test_the_reference_has_every_public_name():
    pages = [(DOCS / "reference" / f"{name}.md").read_text() for name in ("app", "errors")]
    shown = set(re.findall(r"^## (\w+)$", "\n".join(pages), re.MULTILINE))
    assert set(cooee.__all__) <= shown


def test_what_the_pages_take_from_the_code_is_what_it_says_today(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import generated

    pages = dict(generated.fresh_pages())
    assert len(pages) >= 8
    stale = [
        str(page.relative_to(ROOT)) for page, text in pages.items() if page.read_text() != text
    ]
    assert stale == [], "Type: make reference"


def test_a_docstring_becomes_markdown(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import docstrings

    def send(to: str, *, at: "datetime | None" = None, **more: int) -> "str":
        """Send a text: ``await send("+61…")``.

            await send("+61491570156")

        Args:
            to: the person's number,
                with its country.
            at: not before.

        Raises:
            OptedOut: they want none.
        """

    assert docstrings.describe("send", send, 3) == textwrap.dedent("""\
        ### send

        ```{code-block} python
        send(to: str, *, at: datetime | None = None, **more: int) -> str
        ```

        Send a text: `await send("+61…")`.

        ```{code-block} python
        await send("+61491570156")
        ```

        **Arguments**

        - `to`: the person's number, with its country.
        - `at`: not before.

        **Raises**

        - `OptedOut`: they want none.""")


WRONG = {
    "```python\n1 / 0\n```\n": "division by zero",
    "```python\nawait nothing()\n```\n": "'nothing' is not defined",
    "```python\nprint('a')\n```\n\n```text\nb\n```\n": "'b' was not printed",
    "```python\nprint('a', 'b', sep='\\n')\n```\n\n```text\nb\na\n```\n": "'a' was not printed",
    "```sh\nfalse\n```\n": "^false",
    "```sh\ncooee run nothing.py\n```\n": "needs to be told more",
    "```sh\ncurl --silent http://127.0.0.1:8400/\n```\n": "Failed to connect",
    "```sh\nexport A=$(false)\n```\n": r"A=\$\(false\)",
    "```sh\nmake nothing\n```\n": "make nothing",
    "```sh\npip install nothing\n```\n": "No package metadata",
    "```sh\npip install 'cooee[nothing]'\n```\n": "pip install",
    "```console\n$ ls\n```\n": "no test for 'console'",
    "```json\n{\n```\n": "Expecting property name",
    "```toml\n=\n```\n": "Invalid statement",
    "```ini\nnothing\n```\n": "no section headers",
    "Save it as `app.py`:\n\n```python\nimport nothing\n```\n": "No module named 'nothing'",
    "Save it as `test_it.py`:\n\n```python\ndef test_it():\n    1 / 0\n```\n": "1 failed",
    """Save it as `app.py`:

```python
from cooee import App
app = App()
```

```text
> hello
< nobody says this
```
""": "no text came",
}


@pytest.mark.parametrize("words", WRONG)
def test_a_block_that_is_wrong_fails(desk, words):
    with pytest.raises((Exception, pytest.fail.Exception), match=WRONG[words]):
        check(desk, words)


def test_a_page_is_worked_through_in_its_order(desk):
    check(
        desk,
        """\
        Save it as `app.py`:

        ```python
        from cooee import App

        app = App()
        WORDS = "hi"
        ```

        Add this to `app.py`:

        ```python
        @app.otherwise
        def back(chat):
            return f"{WORDS}, {chat.text}"
        ```

        ```python
        import asyncio

        import app

        await asyncio.sleep(0)
        word = app.WORDS
        ```

        - Indented:

          ```python
          print(word, 1)
          ```

          ```text
          hi …
          ```

        ```text
        > you
        < hi, you
        ```

        ```sh
        printf 'a\\nb\\n' | cooee phone app.py \\
            --terminal
        ```

        ```text
        phone 1 ← hi, b
        ```
        """,
    )
