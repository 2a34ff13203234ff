import { Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';

import { ExecutionSummary } from '../data/models';
import { Now } from '../data/now';
import { formatUsd } from './decimal';
import { formatDuration, formatPrice, shortSymbol } from './format';
import { StateMark } from './state-mark';
import { TimeMark } from './time-mark';

/** Executions, one a row. */
@Component({
  selector: 'tw-execution-table',
  imports: [RouterLink, StateMark, TimeMark],
  templateUrl: './execution-table.html',
  styleUrl: './execution-table.css',
})
export class ExecutionTable {
  private readonly now = inject(Now);
  readonly executions = input.required<readonly ExecutionSummary[]>();
  /** Whether to name the pipeline of each. */
  readonly hasPipeline = input(true);

  protected readonly rows = computed(() =>
    this.executions().map((execution) => ({
      id: execution.id,
      at: execution.created_at,
      symbol: shortSymbol(execution.symbol),
      pipelineId: execution.pipeline_id,
      pipeline: execution.pipeline_name,
      status: execution.status,
      why: execution.error || execution.reason,
      progress: `${execution.steps_done}/${execution.steps_total}`,
      share: execution.steps_total ? execution.steps_done / execution.steps_total : 0,
      isRunning: execution.status === 'running' || execution.status === 'queued',
      price: formatPrice(execution.price),
      cost: formatUsd(execution.total_cost_usd, 4),
      reportId: execution.report_id,
      duration: this.duration(execution),
    })),
  );

  private duration({ started_at, finished_at }: ExecutionSummary): string {
    if (!started_at) {
      return '—';
    }
    const end = finished_at ? Date.parse(finished_at) : this.now.ms();
    return formatDuration(Math.max(0, end - Date.parse(started_at)));
  }
}
