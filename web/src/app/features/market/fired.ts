import { ExecutionSummary, ListedFiring } from '../../data/models';

/** A firing as the chart and the figures need it. */
export interface Fired {
  id: string;
  symbol: string;
  ts_ms: number;
  hasStarted: boolean;
}

/** Puts firings of the history and of executions together, each once: an execution knows its firing before the history
 * has been written. */
export function firedOf(firings: readonly ListedFiring[], executions: readonly ExecutionSummary[]): Fired[] {
  const byId = new Map<string, Fired>();
  for (const { firing_id, symbol, ts_ms, execution_id } of firings) {
    byId.set(firing_id, { id: firing_id, symbol, ts_ms, hasStarted: execution_id !== null });
  }
  for (const { firing_id, symbol, fired_ms } of executions) {
    byId.set(firing_id, { id: firing_id, symbol, ts_ms: fired_ms, hasStarted: true });
  }
  return [...byId.values()];
}
