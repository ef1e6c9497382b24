"""The benchmarks' crowd: one person's conversation, copied to many people by SQL."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_FILE = Path(__file__).parents[2] / "benchmarks" / "crowd.py"
_spec = importlib.util.spec_from_file_location("crowd_of_the_benchmarks", _FILE)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

copy_person = _module.copy_person
