"""Deploys of a project: each in a process of its own, on the database of the one before.

The processes are forked from one that has loaded cooee, so that each begins with no module of the
project's, and starts at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Deploys:
    """The processes of one test session: ``deploys.run(folder, "app.py", ["BOOK"])``."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "random"},
        )

    def run(
        self, folder: Path, reference: str, texts: Sequence[str] = (), **more: Any
    ) -> Mapping[str, Any]:
        """Load the app in a new process, let a person text it, and return what came of it.

        Args:
            folder: the folder to work in; its ``cooee.db`` is kept for the next process.
            reference: the app, as ``cooee run`` is told.
            texts: what the person texts, in order.
            more: ``before`` and ``after``, lines of Python to run before the app is loaded and
                at the end; ``path``, folders to put first on ``sys.path``.
        """
        job = {"folder": str(folder), "reference": reference, "texts": list(texts), **more}
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        line = self._server.stdout.readline()
        assert line, "The process ended without a word."
        result: Mapping[str, Any] = json.loads(line)
        return result

    def close(self) -> None:
        """End the processes."""
        self._server.communicate()


def _serve() -> None:
    del sys.path[0]  # this file's own folder
    from cooee.cli.load_app import import_app
    from cooee.testing import Kit

    for line in sys.stdin:
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        try:
            result = _run(json.loads(line), import_app, Kit)
        except BaseException as error:
            words = "".join(traceback.format_exception_only(error)).strip()
            result = {"error": words, "trace": traceback.format_exc()}
        print(json.dumps(result), flush=True)
        os._exit(0)


def _run(job: Mapping[str, Any], import_app: Any, kit_class: Any) -> Mapping[str, Any]:
    import asyncio
    import logging
    import random

    warnings: list[str] = []
    logger = logging.getLogger("cooee")
    logger.setLevel(logging.WARNING)
    logger.addHandler(_Collector(warnings))
    os.chdir(job["folder"])
    random.seed()
    sys.path[:0] = job.get("path", [])
    exec(job.get("before", ""), {})
    app = import_app(job["reference"])
    return asyncio.run(_live(job, app, kit_class, warnings))


class _Collector:
    """A log handler that keeps the warnings about dialogues, and none about a busy machine."""

    level = 0

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def handle(self, record: Any) -> None:
        if record.getMessage() == "dialogue-warning":
            self._lines.append(str(vars(record)))


async def _live(
    job: Mapping[str, Any], app: Any, kit_class: Any, warnings: Sequence[str]
) -> Mapping[str, Any]:
    import shutil
    from datetime import UTC, datetime

    from cooee import App
    from cooee.runtime.turns.app_version import code_version_of

    saved = Path("cooee.db")
    day = 1 + len(list(Path().glob("day*")))
    Path(f"day{day}").touch()
    async with kit_class(App(), start=datetime(2026, 1, day, 9, tzinfo=UTC)) as kit:
        if saved.exists():
            await kit.stop()
            shutil.copy(saved, kit._database_path)
            kit.app = app
            await kit.start()
        else:
            await kit.deploy(app)
        phone = kit.phone()
        replies = [*phone.read()]
        for text in job["texts"]:
            replies += await phone.text(text)
        exec(job.get("after", ""), {"app": app, "kit": kit})
        troubles = list(await kit.troubles(phone))
        saved.unlink(missing_ok=True)
        await kit.store.backup(str(saved))
        return {
            "replies": replies,
            "troubles": troubles,
            "version": code_version_of(app),
            "module": sorted(
                name for name, one in sys.modules.items() if getattr(one, "app", None) is app
            ),
            "warnings": list(warnings),
        }


if __name__ == "__main__":
    _serve()
