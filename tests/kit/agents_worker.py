"""A worker inside the test's process: the real runner, agents and clients, without Celery and its start of seconds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from uuid import UUID

from agents.admission import Admission
from agents.worker_process import WorkerProcess
from core.heartbeat import Heartbeat
from core.store.executions import StoredExecution
from engine.firing import Firing
from tests.kit.agents_world import World


@dataclass(frozen=True, slots=True)
class InProcessWorker:
    """Threads may share it."""

    world: World
    process: WorkerProcess

    def admit(self, firing: Firing) -> UUID:
        """Make the execution of a firing, as the dispatcher does."""
        verdict = Admission(self.world.engine, self.world.settings, self.world.clock).admit(firing)
        assert verdict.execution_id is not None, verdict
        return verdict.execution_id

    def run(self, firing: Firing) -> StoredExecution:
        """Admit a firing and run its execution to the end."""
        self.process.runner.run(self.admit(firing))
        done = self.world.execution(firing)
        assert done is not None
        return done

    def close(self) -> None:
        from agents.llm.openai import OpenAIProviders

        services = self.process.runner.services
        if isinstance(services.providers, OpenAIProviders):
            services.providers.close()
        self.process.runner.teller.close()
        services.engine.dispose()
        services.clickhouse.close()
        services.redis.close()


def make_worker(world: World) -> InProcessWorker:
    """Make a worker of the world's settings; CrewAI is prepared as in a process of its own, HOME apart."""
    home = os.environ.get("HOME", "")
    process = WorkerProcess(world.settings, Heartbeat("worker", world.settings))
    os.environ["HOME"] = home
    return InProcessWorker(world, process)
