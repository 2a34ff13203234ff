from __future__ import annotations

from tests.kit.stack import reachable_folder, running_stack


def test_the_services_run_under_a_folder_closed_to_others_for_root_too() -> None:
    """As in a checkout below root's own home: PostgreSQL refuses to be root, and must still get there."""
    with reachable_folder() as folder:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        with running_stack(closed / "data") as stack:
            assert stack.pid_of("postgres") > 0
