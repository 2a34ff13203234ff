"""A report as one HTML file that needs nothing else. Every text is escaped: models and feeds wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import cast

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1a1c1e;background:#fff}
h1{font-size:1.5rem;margin:0 0 .5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;
border-bottom:1px solid #dde1e6}th{font-weight:600;white-space:nowrap}td{overflow-wrap:anywhere}
p{margin:.4rem 0}.note{color:#5b6470}
@media(prefers-color-scheme:dark){body{background:#121416;color:#e3e5e8}th,td{border-color:#33383d}.note{color:#9aa3ad}}
"""


def page(title: str, summary: str, record: Mapping[str, object]) -> str:
    """Return the report's page."""
    steps = cast("Sequence[Mapping[str, object]]", record.get("steps", ()))
    state = cast("Mapping[str, object]", record.get("state", {}))
    rows = "".join(
        f"<tr><th>{_text(s['agent_type'])}</th><td>{_text(s['status'])}</td><td>{_text(s['summary'])}</td></tr>"
        for s in steps
    )
    sections = "".join(
        f"<h2>{_text(name.replace('_', ' ').capitalize())}</h2>{_value(state[name])}"
        for name in ("trigger", "bias", "strategy", "risk", "trade", "market_data")
        if state.get(name) is not None
    )
    provider = _text(record.get("provider", ""))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>"
        f'<h1>{_text(title)}</h1><p>{_text(summary)}</p><p class="note">Written by {provider}.</p>'
        f"<h2>Steps</h2><table>{rows}</table>{sections}</body></html>"
    )


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        rows = cast("Mapping[str, object]", value)
        return (
            "<table>"
            + "".join(f"<tr><th>{_text(k)}</th><td>{_value(v)}</td></tr>" for k, v in rows.items())
            + "</table>"
        )
    if isinstance(value, list):
        items = cast("list[object]", value)
        return "".join(f"<p>{_value(item)}</p>" for item in items) or "–"
    return "–" if value is None or value == "" else _text(value)


def _text(value: object) -> str:
    return escape(str(value))
