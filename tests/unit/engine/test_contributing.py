"""CONTRIBUTING says that an indicator is one file and one line: grammar, forms, words and linter need nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

_PROGRAM = """
import json
from engine.grammar import parse_trigger
from engine.grammar.schema import trigger_schema
from engine.indicators import dispatch
from engine.lint import lint
from engine.words import trigger_words

leaf = {"indicator": "COPYCAT_30", "operator": "<", "value": 0}
spec = parse_trigger("technical_trigger", {"all": [leaf]}, pipeline_id="p", node_id="n", version=1, symbols=["AAPL"])
print(trigger_words(spec))
print([remark.text for remark in lint(spec)])
print("COPYCAT" in json.dumps(trigger_schema("technical_trigger")))
print("COPYCAT" in dispatch.form.__wrapped__.__code__.co_names)
"""


def test_a_copy_of_the_smallest_indicator_is_known_everywhere_by_its_line_in_the_registry(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "engine", tmp_path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    folder = tmp_path / "engine" / "indicators"
    source = (folder / "sma.py").read_text().replace('name="SMA"', 'name="COPYCAT"')
    (folder / "copycat.py").write_text(source)
    registry = folder / "registry.py"
    text, lines = re.subn(r"\bsma\.DEFINITION,", "sma.DEFINITION, copycat.DEFINITION,", registry.read_text())
    assert lines == 1
    registry.write_text(text.replace("\n_ALL", "\nfrom engine.indicators import copycat\n\n_ALL", 1))
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    words, remarks, is_in_form, is_compiled = ran.stdout.splitlines()
    assert words.startswith("fires when COPYCAT(30) of 5m is below 0")
    assert "can never be true" in remarks
    assert "COPYCAT_30 needs 30 candles of 5m to warm up" in remarks
    assert (is_in_form, is_compiled) == ("True", "True")
