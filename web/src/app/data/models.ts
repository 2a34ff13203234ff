/** The words of the page for what the API answers: generated models, and the few shapes a chart or a page adds. */
import type { Candle as ApiCandle } from './client/models/candle';
import type { Costs } from './client/models/costs';
import type { Event } from './client/models/event';
import type { ExecutionSummary } from './client/models/execution-summary';
import type { Side as ApiSide } from './client/models/side';

export type { BudgetStatus } from './client/models/budget-status';
export type { CostLine } from './client/models/cost-line';
export type { Costs } from './client/models/costs';
export type { Execution, Execution as ExecutionDetail } from './client/models/execution';
export type { ExecutionSummary } from './client/models/execution-summary';
export type { Firing } from './client/models/firing';
export type { Health } from './client/models/health';
export type { LeafEvidence } from './client/models/leaf-evidence';
export type { ListedFiring } from './client/models/listed-firing';
export type { MarketSymbol } from './client/models/market-symbol';
export type { Me as User } from './client/models/me';
export type { Pipeline } from './client/models/pipeline';
export type { PipelineSummary } from './client/models/pipeline-summary';
export type { Position } from './client/models/position';
export type { Positions } from './client/models/positions';
export type { ProcessHealth } from './client/models/process-health';
export type { Report } from './client/models/report';
export type { ReportSummary } from './client/models/report-summary';
export type { StepExecution } from './client/models/step-execution';
export type { TriggerStatus } from './client/models/trigger-status';

export type LiveEvent = Omit<Event, 'payload'> & { payload: JsonRecord };
export type ExecutionStatus = ExecutionSummary['status'];
export type CostGroup = Costs['by'];
export type Side = ApiSide;

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonRecord = Record<string, Json>;

export type Timeframe = '1m' | '5m' | '15m' | '1h' | '4h' | '1d';
export const TIMEFRAMES: readonly Timeframe[] = ['1m', '5m', '15m', '1h', '4h', '1d'];

/** One candle with its indicator values by canonical column (`RSI_14`); null while warming up. */
export interface Candle extends Omit<ApiCandle, 'end_ms' | 'is_partial'> {
  values: Record<string, number | null>;
}

/** The latest of one symbol: last price, the forming candle of each timeframe, watched values (`RSI_14@5m`). */
export interface Snapshot {
  symbol: string;
  ts_ms: number;
  price: number | null;
  feed: string;
  /** live, stale, disconnected. */
  health: string;
  candles: Partial<Record<Timeframe, Candle>>;
  values: Record<string, number | null>;
}

export interface PipelineNode {
  id: string;
  agent_type: string;
  config: JsonRecord;
}

export interface PipelineEdge {
  from: string;
  to: string;
}
