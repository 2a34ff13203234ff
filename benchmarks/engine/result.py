"""A figure beside its target, and the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`target` None: no target; `is_most`: the target is what it may be at most."""

    name: str
    value: float
    unit: str
    target: float | None = None
    is_most: bool = False
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value <= self.target if self.is_most else self.value >= self.target

    def plain(self) -> dict[str, object]:
        return {
            "name": self.name, "value": self.value, "unit": self.unit, "target": self.target,
            "is_met": self.is_met, "note": self.note,
        }  # fmt: skip


def table(figures: Sequence[Figure]) -> str:
    width = max(len(f.name) for f in figures)
    return "\n".join(f"{f.name:<{width}}  {_number(f.value):>10} {f.unit:<12} {_verdict(f)}" for f in figures)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _verdict(figure: Figure) -> str:
    said = ""
    if figure.target is not None:
        sign = "<=" if figure.is_most else ">="
        said = f"{'met' if figure.is_met else 'MISSED'} ({sign} {_number(figure.target)})"
    return f"{said}  {figure.note}".strip()
