"""Write `.env.example` from the settings: `python -m core.env_example > .env.example`."""

from __future__ import annotations

from pydantic import SecretStr

from core.settings import PREFIX, Settings


def text() -> str:
    lines = ["# Every setting, with its default. Copy what you change; durations carry their unit in the name.", ""]
    for name, field in Settings.model_fields.items():
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        if field.description:
            lines.append(f"# {field.description}")
        lines.append(f"# {PREFIX}{name.upper()}={'' if default is None else default}")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(text())  # noqa: T201
