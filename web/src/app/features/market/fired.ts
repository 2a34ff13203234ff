import { ExecutionSummary, ListedFiring } from '../../data/models';

/** A firing as the chart, the figures and the list need it. */
export interface Fired {
  id: string;
  symbol: string;
  ts_ms: number;
  price: number | null;
  pipelineName: string;
  /** Null for a firing that started nothing. */
  executionId: string | null;
}

/** Puts firings of the history and of executions together, each once, newest first: an execution knows its firing
 * before the history has been written. */
export function firedOf(firings: readonly ListedFiring[], executions: readonly ExecutionSummary[]): Fired[] {
  const byId = new Map<string, Fired>();
  for (const { firing_id, symbol, ts_ms, price, pipeline_name, execution_id } of firings) {
    const fired = { id: firing_id, symbol, ts_ms, price, pipelineName: pipeline_name, executionId: execution_id };
    byId.set(firing_id, fired);
  }
  for (const { firing_id, symbol, fired_ms, price, pipeline_name, id } of executions) {
    const fired = { id: firing_id, symbol, ts_ms: fired_ms, price, pipelineName: pipeline_name, executionId: id };
    byId.set(firing_id, fired);
  }
  return [...byId.values()].sort((a, b) => b.ts_ms - a.ts_ms);
}
