import { inject, Injectable } from '@angular/core';

import { Api } from './client/api';
import { login } from './client/fn/auth/login';
import { logout } from './client/fn/auth/logout';
import { refreshSession } from './client/fn/auth/refresh-session';
import { listCosts } from './client/fn/billing/list-costs';
import { getExecution } from './client/fn/executions/get-execution';
import { listExecutionEvents } from './client/fn/executions/list-execution-events';
import { listExecutions, ListExecutions$Params } from './client/fn/executions/list-executions';
import { listFirings, ListFirings$Params } from './client/fn/firings/list-firings';
import { getHealth } from './client/fn/health/get-health';
import { listCandles } from './client/fn/market/list-candles';
import { listSnapshots } from './client/fn/market/list-snapshots';
import { listSymbols } from './client/fn/market/list-symbols';
import { firePipeline } from './client/fn/pipelines/fire-pipeline';
import { getPipeline } from './client/fn/pipelines/get-pipeline';
import { listPipelines } from './client/fn/pipelines/list-pipelines';
import { pausePipeline } from './client/fn/pipelines/pause-pipeline';
import { resumePipeline } from './client/fn/pipelines/resume-pipeline';
import { listPositions } from './client/fn/positions/list-positions';
import { getReport } from './client/fn/reports/get-report';
import { listReports } from './client/fn/reports/list-reports';
import { getMe } from './client/fn/users/get-me';
import { readEvent, readSnapshot } from './live-protocol';
import {
  Candle,
  CostGroup,
  Costs,
  ExecutionDetail,
  ExecutionSummary,
  Health,
  ListedFiring,
  LiveEvent,
  MarketSymbol,
  Pipeline,
  PipelineSummary,
  Positions,
  Report,
  ReportSummary,
  Snapshot,
  Timeframe,
  User,
} from './models';

export type ExecutionFilter = Pick<ListExecutions$Params, 'status' | 'pipeline_id' | 'limit'>;
export type FiringFilter = Pick<ListFirings$Params, 'symbol' | 'pipeline_id' | 'limit'>;

/** The API as verbs of the page, over the generated client. */
@Injectable({ providedIn: 'root' })
export class Backend {
  private readonly api = inject(Api);

  async logIn(email: string, password: string): Promise<User> {
    return (await this.api.invoke(login, { body: { email, password } })).user;
  }

  /** Renews the session by its refresh cookie. */
  async renewSession(): Promise<void> {
    await this.api.invoke(refreshSession, {});
  }

  async logOut(): Promise<void> {
    await this.api.invoke(logout, {});
  }

  readMe(): Promise<User> {
    return this.api.invoke(getMe);
  }

  async listPipelines(): Promise<PipelineSummary[]> {
    return (await this.api.invoke(listPipelines, { limit: 200 })).items;
  }

  readPipeline(id: string): Promise<Pipeline> {
    return this.api.invoke(getPipeline, { pipeline_id: id });
  }

  async pausePipeline(id: string): Promise<void> {
    await this.api.invoke(pausePipeline, { pipeline_id: id });
  }

  async resumePipeline(id: string): Promise<void> {
    await this.api.invoke(resumePipeline, { pipeline_id: id });
  }

  /** Returns the id that the execution will have once it is taken up. */
  async firePipeline(id: string): Promise<string> {
    return (await this.api.invoke(firePipeline, { pipeline_id: id, body: {} })).execution_id;
  }

  async listExecutions(filter: ExecutionFilter): Promise<ExecutionSummary[]> {
    return (await this.api.invoke(listExecutions, filter)).items;
  }

  readExecution(id: string): Promise<ExecutionDetail> {
    return this.api.invoke(getExecution, { execution_id: id });
  }

  async listEvents(executionId: string, after: number): Promise<LiveEvent[]> {
    const { items } = await this.api.invoke(listExecutionEvents, { execution_id: executionId, after });
    return items.flatMap((item) => readEvent(item) ?? []);
  }

  async listFirings(filter: FiringFilter): Promise<ListedFiring[]> {
    return (await this.api.invoke(listFirings, filter)).items;
  }

  async listReports(): Promise<ReportSummary[]> {
    return (await this.api.invoke(listReports, { limit: 100 })).items;
  }

  readReport(id: string): Promise<Report> {
    return this.api.invoke(getReport, { report_id: id });
  }

  listCosts(group: CostGroup, days: number): Promise<Costs> {
    return this.api.invoke(listCosts, { by: group, days });
  }

  listPositions(): Promise<Positions> {
    return this.api.invoke(listPositions);
  }

  async listSymbols(): Promise<MarketSymbol[]> {
    return (await this.api.invoke(listSymbols)).items;
  }

  /** Returns closed candles, oldest first, each with its indicator values. */
  async listCandles(
    symbol: string,
    timeframe: Timeframe,
    limit: number,
    indicators: readonly string[],
  ): Promise<Candle[]> {
    const params = { symbol, timeframe, limit, indicators: indicators.join(',') };
    const series = await this.api.invoke(listCandles, params);
    const columns = Object.entries(series.indicators);
    return series.candles.map((candle, index) => ({
      ...candle,
      values: Object.fromEntries(columns.map(([column, values]) => [column, values[index] ?? null])),
    }));
  }

  async readSnapshots(symbols: readonly string[]): Promise<Snapshot[]> {
    const { items } = await this.api.invoke(listSnapshots, { symbols: symbols.join(',') });
    return items.map(readSnapshot);
  }

  readHealth(): Promise<Health> {
    return this.api.invoke(getHealth);
  }
}
