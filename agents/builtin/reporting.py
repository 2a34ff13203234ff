"""The reporting agent: the whole chain of reasoning as a record, and a summary to read in half a minute."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from agents.agent import Agent, Result, Step
from agents.builtin.report_page import page
from agents.llm.facts import FACTS, ReportFacts
from agents.llm.provider import Provider
from agents.llm.views import SummaryView
from agents.prompt import load
from core.catalog.trading import ReportingSettings
from core.clock import to_datetime
from core.errors import BadModelOutput
from core.pipeline.state import PipelineState, ReportRef
from core.store import executions, notifications, orders, reports
from core.store.executions import StoredStep
from core.store.reports import NewReport

_TEMPERATURE = 0.2


class ReportingAgent(Agent[ReportingSettings]):
    agent_type = "reporting_agent"

    def run(self, step: Step) -> Result:
        provider = step.services.providers.choose(self.settings.model, report=True)
        FACTS.set(ReportFacts(step.state))
        view = _ask(provider, step.state)
        with step.services.engine.connect() as tx:
            steps = executions.steps(tx, step.execution_id)
            trade = orders.trade(tx, orders.trade_id_of(step.execution_id))
        record = self._record(step, steps, view, provider)
        key = f"reports/{step.user_id}/{step.execution_id}"
        step.services.blobs.put(f"{key}.json", msgspec.json.format(msgspec.json.encode(record)))
        step.services.blobs.put(f"{key}.html", page(view.title, view.summary, record).encode())
        at = to_datetime(step.services.clock.now_ms())
        made = NewReport(
            id=reports.id_of(step.execution_id),
            execution_id=step.execution_id,
            trade_id=trade.id if trade else None,
            user_id=step.user_id,
            pipeline_id=step.pipeline_id,
            symbol=step.state.symbol,
            title=view.title,
            summary=view.summary,
            full_report=record,
            blob_key=f"{key}.html",
            provider="rules" if provider.label.startswith("rules") else "openai",
            model=provider.label,
        )

        def commit(tx: Connection) -> None:
            reports.add(tx, made, at)
            if self.settings.notify:
                notifications.notify(
                    tx,
                    str(step.execution_id),
                    user_id=step.user_id,
                    kind="report_ready",
                    title=view.title,
                    body=view.summary,
                    payload={"report_id": str(made.id), "execution_id": str(step.execution_id)},
                    at=at,
                )

        ref = ReportRef(
            report_id=str(made.id), summary=view.summary, url=made.blob_key, provider=provider.label, created_at=at
        )
        ready = ("report_ready", {"report_id": str(made.id), "title": view.title})
        return Result(ref, view.title, events=(ready,), commit=commit, api_calls={"blobs": 2})

    def _record(self, step: Step, steps: list[StoredStep], view: SummaryView, provider: Provider) -> dict[str, object]:
        state = step.state.model_dump(mode="json", exclude={"market_data": {"timeframes": {"__all__": {"candles"}}}})
        if self.settings.detail == "short":
            state = {key: state[key] for key in ("symbol", "trigger", "bias", "strategy", "risk", "trade")}
        return {
            "title": view.title,
            "summary": view.summary,
            "provider": provider.label,
            "pipeline": {"id": str(step.pipeline_id), "name": step.config.name, "version": step.state.pipeline_version},
            "execution_id": str(step.execution_id),
            "firing": msgspec.to_builtins(step.firing),
            "steps": [_told(s) for s in steps if s.node_id != step.node_id],
            "state": state,
        }


def _ask(provider: Provider, state: PipelineState) -> SummaryView:
    evidence = state.model_dump_json(exclude={"market_data": {"timeframes"}, "metadata": True})
    prompt = load("report/summary")
    try:
        return _verified(provider.complete(prompt, evidence, SummaryView, temperature=_TEMPERATURE))
    except BadModelOutput:
        return _verified(provider.complete(prompt, evidence, SummaryView, temperature=_TEMPERATURE))


def _verified(view: SummaryView) -> SummaryView:
    if not view.title.strip() or not view.summary.strip():
        raise BadModelOutput("the summary is empty")
    return SummaryView(title=view.title.strip()[:200], summary=view.summary.strip()[:4000])


def _told(step: StoredStep) -> dict[str, object]:
    return {
        "node_id": step.node_id,
        "agent_type": step.agent_type,
        "status": step.status,
        "summary": step.summary,
        "provider": step.provider,
        "model": step.model,
        "runtime_ms": step.runtime_ms,
        "llm_calls": step.llm_calls,
        "input_tokens": step.input_tokens,
        "output_tokens": step.output_tokens,
        "cost_usd": str(step.cost_usd),
    }
