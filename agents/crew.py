"""The one file that knows CrewAI's crews: roles in a row, each with a prompt and a typed answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import pydantic
from crewai import Agent, Crew, Process, Task
from crewai.crews import CrewOutput

from agents.llm.provider import Provider
from agents.llm.views import View
from agents.one_answer import OneAnswer
from agents.prompt import Prompt
from core.errors import BadModelOutput


@dataclass(frozen=True, slots=True)
class Role:
    """One member: what it is told, and the form of its answer."""

    prompt: Prompt
    view: type[View]


def run_crew(
    roles: Sequence[Role], evidence: str, provider: Provider, *, temperature: float, feedback: str = ""
) -> tuple[View, ...]:
    """Ask the roles one after another, each seeing the answers before its own; return all answers.

    Raises:
        Unavailable, ConfigError: as the provider's `reaction` says.
        BadModelOutput: an answer does not have its form.
    """
    llm = provider.crew_llm(temperature)
    tasks: list[Task] = []
    for role in roles:
        prompt = role.prompt
        agent = Agent(
            role=prompt.role,
            goal=prompt.goal,
            backstory=prompt.backstory,
            llm=llm,
            executor_class=OneAnswer,
            # Retries are ours: they would multiply, and cost, behind our back.
            max_retry_limit=0,
            allow_delegation=False,
            verbose=False,
        )
        tasks.append(
            Task(
                description=prompt.fill(evidence=evidence, feedback=feedback),
                expected_output=f"A {role.view.__name__} as JSON.",
                agent=agent,
                context=list(tasks),
                output_pydantic=role.view,
            )
        )
    crew = Crew(
        agents=[task.agent for task in tasks if task.agent], tasks=tasks, process=Process.sequential, verbose=False
    )
    try:
        output = cast("CrewOutput", crew.kickoff())
    except Exception as error:
        raise provider.reaction(error) from error
    return tuple(_checked(role, task.pydantic) for role, task in zip(roles, output.tasks_output, strict=True))


def _checked(role: Role, answer: pydantic.BaseModel | None) -> View:
    """Return the answer if it has its form: text that CrewAI could not parse is no answer."""
    if not isinstance(answer, role.view):
        raise BadModelOutput(f"{role.prompt.role}: the answer is no {role.view.__name__}")
    return answer
