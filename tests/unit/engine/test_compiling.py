"""The first start on a machine says what it is compiling, and the next one says nothing."""

from __future__ import annotations

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


def _prepared(folder: Path) -> list[str]:
    said = subprocess.run(
        [sys.executable, "-c", "from engine.compiling import prepare; print(prepare(print))"],
        cwd=folder, capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache")},
    )  # fmt: skip
    return said.stdout.splitlines()


def test_what_is_compiled_is_counted_and_told_once_a_machine(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    for name, text in _MODULES.items():
        (tmp_path / "engine" / name).write_text(text)
    about = "compiling the engine for this machine: {} of 2 parts, a minute or two in all, once"
    assert _prepared(tmp_path) == [about.format(0), about.format(1), about.format(2), "True"]
    assert _prepared(tmp_path) == ["False"]
    (tmp_path / "engine" / "kernels_inner.py").write_text(_MODULES["kernels_inner.py"].replace("x + 1", "x + 10"))
    assert _prepared(tmp_path)[-1] == "True"
