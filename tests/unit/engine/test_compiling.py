"""The first start on a machine says what it is compiling, and the next one says nothing."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

_ENGINE = Path(__file__).resolve().parents[3] / "engine"
_MODULES = {
    "compiled.py": (_ENGINE / "compiled.py").read_text(),
    "compiling.py": (_ENGINE / "compiling.py").read_text(),
    "layout.py": "",
    "__init__.py": "",
    "kernels_inner.py": "from engine.compiled import kernel\n@kernel\ndef inner(x):\n    return x + 1\n",
    "kernels.py": "from engine.compiled import kernel\nfrom engine.kernels_inner import inner\n"
    "@kernel\ndef run(x):\n    return inner(x)\n",
    "warm.py": "from engine.kernels import run\ndef warm():\n    run(1)\n    run(1.5)\n",
}


def _preparing(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-c", "from engine.compiling import prepare; print(prepare(print))"],
        cwd=folder, stdout=subprocess.PIPE, text=True, env={**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache")},
    )  # fmt: skip


def _said(process: subprocess.Popen[str]) -> list[str]:
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return said.splitlines()


def _prepared(folder: Path) -> list[str]:
    return _said(_preparing(folder))


def _write_engine(folder: Path) -> None:
    (folder / "engine").mkdir()
    for name, text in _MODULES.items():
        (folder / "engine" / name).write_text(text)


def test_of_processes_that_start_at_once_on_a_cold_cache_one_compiles(tmp_path: Path) -> None:
    _write_engine(tmp_path)
    begun = [_preparing(tmp_path) for _ in range(3)]
    assert sorted(_said(process)[-1] for process in begun) == ["False", "False", "True"]


def test_who_waits_for_a_compiler_says_so_and_compiles_itself_when_that_one_dies(tmp_path: Path) -> None:
    _write_engine(tmp_path)
    _prepared(tmp_path)
    (tmp_path / "engine" / "kernels_inner.py").write_text(_MODULES["kernels_inner.py"].replace("x + 1", "x + 10"))
    [lock] = (tmp_path / "cache").rglob("compiling.lock")
    with lock.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = _preparing(tmp_path)
        assert waiting.stdout is not None
        assert "another process is compiling" in waiting.stdout.readline()
    assert _said(waiting)[-1] == "True"


def test_what_is_compiled_is_counted_and_told_once_a_machine(tmp_path: Path) -> None:
    _write_engine(tmp_path)
    about = "compiling the engine for this machine: {} of 2 parts, a minute or two in all, once"
    assert _prepared(tmp_path) == [about.format(0), about.format(1), about.format(2), "True"]
    assert _prepared(tmp_path) == ["False"]
    (tmp_path / "engine" / "kernels_inner.py").write_text(_MODULES["kernels_inner.py"].replace("x + 1", "x + 10"))
    assert _prepared(tmp_path)[-1] == "True"
