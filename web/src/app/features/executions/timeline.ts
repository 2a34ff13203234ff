import { StepExecution } from '../../data/models';
import { formatUsd } from '../../ui/decimal';
import { agentName, formatDuration } from '../../ui/format';
import { IconName } from '../../ui/icon';
import { agentIcon } from '../../ui/states';

/** One line of the timeline. */
export interface TimelineRow {
  id: string;
  name: string;
  icon: IconName;
  status: string;
  duration: string;
  cost: string;
  summary: string;
}

/** Steps in the order of the chain; a running one counts its time up to `now` (epoch ms). */
export function timelineOf(steps: readonly StepExecution[], now: number): TimelineRow[] {
  return [...steps]
    .sort((a, b) => a.position - b.position)
    .map((step) => ({
      id: step.node_id,
      name: step.agent_name || agentName(step.agent_type),
      icon: agentIcon(step.agent_type),
      status: step.status,
      duration: durationOf(step, now),
      cost: Number(step.cost_usd) > 0 ? formatUsd(step.cost_usd, 4) : '',
      summary: step.error || step.summary,
    }));
}

function durationOf(step: StepExecution, now: number): string {
  if (step.status === 'pending' || step.status === 'skipped' || !step.started_at) {
    return '';
  }
  if (step.finished_at) {
    return formatDuration(step.runtime_ms || Date.parse(step.finished_at) - Date.parse(step.started_at));
  }
  return formatDuration(Math.max(0, now - Date.parse(step.started_at)));
}

/** The step one wants to see when one has picked none: that which runs or failed, else the last one finished. */
export function stepInFocus(steps: readonly StepExecution[]): string | undefined {
  const ordered = [...steps].sort((a, b) => a.position - b.position);
  const active = ordered.find(({ status }) => status === 'running' || status === 'failed');
  return (active ?? ordered.findLast(({ status }) => status === 'completed') ?? ordered[0])?.node_id;
}
