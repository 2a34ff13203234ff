"""Stale machine code must never run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_MODULES = {
    "compiled.py": (Path(__file__).resolve().parents[3] / "engine" / "compiled.py").read_text(),
    "layout.py": "",
    "__init__.py": "",
    "kernels_inner.py": "from engine.compiled import kernel\n@kernel\ndef inner(x):\n    return x + 1\n",
    "kernels.py": "from engine.compiled import kernel\nfrom engine.kernels_inner import inner\n"
    "@kernel\ndef outer(x):\n    return inner(x)\n",
}


def _outer(folder: Path) -> str:
    said = subprocess.run(
        [sys.executable, "-c", "from engine.kernels import outer; print(outer(1))"],
        cwd=folder, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return said.stdout.strip()


def test_a_change_in_a_kernel_of_another_file_is_compiled_in(tmp_path: Path) -> None:
    package = tmp_path / "engine"
    package.mkdir()
    for name, text in _MODULES.items():
        (package / name).write_text(text)
    assert _outer(tmp_path) == "2"
    (package / "kernels_inner.py").write_text(_MODULES["kernels_inner.py"].replace("x + 1", "x + 10"))
    assert _outer(tmp_path) == "11"
