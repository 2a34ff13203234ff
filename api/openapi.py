"""Print the contract: `python -m api.openapi > web/openapi.json`."""

from __future__ import annotations

import json
import sys

from api.app import create_app
from core.settings import Settings


def main() -> None:
    json.dump(create_app(Settings()).openapi(), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
