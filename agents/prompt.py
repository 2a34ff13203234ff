"""Prompts: one versioned Markdown file a role, read once.

A file has a head (`version`, `role`) between `---` lines and the sections `# Goal`, `# Backstory`, `# Task`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "prompts"
_SLOT = re.compile(r"\{\{(?:evidence|feedback)\}\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    name: str
    version: int
    role: str
    goal: str
    backstory: str
    task: str

    @property
    def label(self) -> str:
        """Return what an output says of the prompt it answers: `bias/synthesizer v1`."""
        return f"{self.name} v{self.version}"

    def fill(self, *, evidence: str, feedback: str = "") -> str:
        """Return the task with its evidence (JSON), and with what was wrong before where it is asked again.

        Foreign text stands in the evidence, a headline for one. It cannot close the fence: JSON may write `<` as
        an escape, and a reader of JSON sees the same text.
        """
        told = f"\n\nYour previous answer was refused: {feedback}\nMend exactly that.\n" if feedback else ""
        parts = {"{{feedback}}": told.replace("<", "\\u003c"), "{{evidence}}": evidence.replace("<", "\\u003c")}
        return _SLOT.sub(lambda found: parts[found.group()], self.task)


@cache
def load(name: str) -> Prompt:
    """Read `prompts/<name>.md`.

    Raises:
        ValueError: a part of it is missing.
    """
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("---\n")
    head, fence, body = rest.partition("---\n")
    fields = dict(line.split(":", 1) for line in head.splitlines() if ":" in line)
    sections = {part.split("\n", 1)[0].strip().lower(): part for part in body.split("\n# ")}
    wanted = {"goal", "backstory", "task"}
    found = {title.removeprefix("# "): part.split("\n", 1)[-1].strip() for title, part in sections.items()}
    if not fence or not {"version", "role"} <= fields.keys() or not wanted <= found.keys():
        raise ValueError(f"prompt {name!r}: needs version and role, and the sections Goal, Backstory, Task")
    return Prompt(
        name=name,
        version=int(fields["version"]),
        role=fields["role"].strip(),
        goal=found["goal"],
        backstory=found["backstory"],
        task=found["task"],
    )
