"""An app in a process of its own: it loads, plays, rests, plays again, and ends with its parent."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager

import pytest

from cooee.clocks.clock import RealClock
from cooee.net.http_server import bind_socket
from cooee.phone.app_process import AppProcess
from cooee.phone.ipc_messages import AppBroken, AppLoaded, AppStarted, DatabaseOpened, StartArgs
from cooee.phone.simulated_provider import ProviderConnection

pytestmark = pytest.mark.slow
COMMAND = (sys.executable, "-m", "cooee.cli.phone_app_process")
CODE = "from cooee import App\napp = App()\n@app.otherwise\ndef any(chat):\n    return 'ok'\n"


@asynccontextmanager
async def started(folder, code=CODE):
    from cooee.simulator import run_simulator

    (folder / "app.py").write_text(code)
    heard = []
    async with run_simulator(RealClock(), port=0) as (simulator, port):
        with bind_socket("127.0.0.1", 0) as door:
            door.listen()
            door.set_inheritable(True)
            base = f"http://127.0.0.1:{port}"
            role = StartArgs(
                str(folder / "app.py"),
                ProviderConnection("simulated", is_pushed=True, poll_interval=1),
                base,
                str(folder / "a.db"),
                0,
                door.fileno(),
            )
            process = await AppProcess.spawn(COMMAND, role, heard.append)
            try:
                yield process, simulator.network, heard
            finally:
                await process.close()


async def replies(network, count):
    async with asyncio.timeout(60):
        while True:
            inbox = network.phone_screen("+61491570156")
            if sum(entry.direction == "to_phone" for entry in inbox) >= count:
                return
            await asyncio.sleep(0.02)


async def test_every_file_of_the_users_own_is_to_be_watched(tmp_path):
    folder = tmp_path / "shop/bots"
    folder.mkdir(parents=True)
    (tmp_path / "shop/questions.py").write_text("")
    (tmp_path / "shop/later.py").write_text("import json")
    lines = "from ..questions import __name__\ndef f():\n    from ..later import x\n"
    async with started(folder, lines + CODE) as (process, _, _):
        loaded = await process.wait_until_loaded()
        assert isinstance(loaded, AppLoaded)
        names = {os.path.relpath(file, tmp_path) for file in loaded.files}
        assert names == {"shop/bots/app.py", "shop/later.py", "shop/questions.py"}


async def test_it_plays_rests_and_plays_again_and_what_came_meanwhile_is_answered(tmp_path):
    async with started(tmp_path) as (process, network, heard):
        assert isinstance(await process.wait_until_loaded(), AppLoaded)
        playing = await process.start_app(60.0)
        assert isinstance(playing, AppStarted)
        network.send_from_phone("+61491570156", playing.ours, "one")
        await replies(network, 1)
        assert await process.advance_clock(60)
        assert await process.stop_app()
        network.send_from_phone("+61491570156", playing.ours, "two")
        await asyncio.sleep(0.2)
        assert isinstance(await process.start_app(120.0), AppStarted)
        await replies(network, 2)
        offsets = [news.offset for news in heard if isinstance(news, DatabaseOpened)]
        assert offsets == [60, 120]
    assert process.ended.is_set()


async def test_what_cannot_be_loaded_is_told_with_its_files_and_the_process_ends(tmp_path):
    async with started(tmp_path, "from cooee import App\napp = Ap()\n") as (process, _, _):
        loaded = await process.wait_until_loaded()
        assert isinstance(loaded, AppBroken)
        assert loaded.error.line == 2
        assert str(tmp_path / "app.py") in loaded.files


async def test_a_module_that_ends_the_process_is_told_as_such(tmp_path):
    async with started(tmp_path, "import os\nos._exit(3)\n") as (process, _, _):
        loaded = await process.wait_until_loaded()
        assert isinstance(loaded, AppBroken)
        assert loaded.process_died


async def test_a_process_that_is_killed_is_gone_and_says_no_more(tmp_path):
    async with started(tmp_path) as (process, _, _):
        await process.wait_until_loaded()
        await process.start_app(0)
        os.kill(process._process.pid, 9)
        async with asyncio.timeout(60):
            await process.ended.wait()
        assert not await process.stop_app()
        assert isinstance(await process.start_app(0), AppBroken)
