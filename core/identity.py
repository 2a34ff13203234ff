"""Ids that follow from what they name, so that doing a thing twice makes it once."""

from __future__ import annotations

from uuid import UUID, uuid5

EXECUTION_NAMESPACE = UUID("6f2ad0ec-3d42-5a0b-8f0e-6f4f9b1f6a55")


def execution_id_of(firing_id: str | UUID) -> UUID:
    """Return the id of the execution that a firing starts: also the Celery task's id."""
    return uuid5(EXECUTION_NAMESPACE, str(firing_id))
