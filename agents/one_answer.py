"""How a crew's member answers: one question, one call, an answer of its form. CrewAI's own way is a flow of steps.

That flow is for members with tools, plans and second thoughts, and costs an event loop, a state and a dozen threads
a member. Ours have none of these: what their answer lacks is told to them by the agent, who pays for asking again.
"""

from __future__ import annotations

from typing import Any, Self

from crewai.agents.agent_executor import AgentExecutor, AgentExecutorState
from crewai.utilities.agent_utils import get_llm_response
from crewai_core.printer import PRINTER
from pydantic import BaseModel, model_validator

from core.errors import BadModelOutput


class OneAnswer(AgentExecutor):
    """Leans on: `_state`, `_setup_messages`, the fields an agent gives its executor."""

    def model_post_init(self, context: object, /) -> None:
        """Leave out what makes a flow of it: methods, events, tracing."""

    @model_validator(mode="after")
    def _setup_executor(self) -> Self:
        self._state = AgentExecutorState()
        return self

    def invoke(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Ask once.

        Raises:
            BadModelOutput: the answer is not of the form that was asked for.
        """
        assert self.llm is not None, "a crew's member has a model"
        self.state.messages.clear()
        self._setup_messages(inputs)
        answer = get_llm_response(
            llm=self.llm,
            messages=list(self.state.messages),
            callbacks=[],
            printer=PRINTER,
            from_task=self.task,
            from_agent=self.agent,
            response_model=self.response_model,
            verbose=False,
        )
        if not isinstance(answer, BaseModel):
            raise BadModelOutput("the answer is text without a form")
        return {"output": answer}
