import { JsonRecord, StepExecution } from '../../data/models';
import { list, number, record, text } from '../../data/reading';
import { formatUsd } from '../../ui/decimal';
import { agentName, formatDuration } from '../../ui/format';
import { withoutCandles } from '../../ui/record-view/market-summary';

export interface Section {
  key: string;
  title: string;
  value: JsonRecord;
}

export interface ReportStep {
  id: string;
  name: string;
  status: string;
  summary: string;
  took: string;
  tokens: number;
  cost: string;
}

const TITLES: readonly [string, string][] = [
  ['trigger', 'Why it fired'],
  ['bias', 'Bias'],
  ['strategy', 'Plan'],
  ['risk', 'Risk'],
  ['trade', 'Trade'],
  ['market_data', 'Market'],
];

/** The chapters of a report in the order in which one asks: why, what was thought, what was done, on which market. */
export function sectionsOf(report: unknown): Section[] {
  const body = record(report);
  const state = 'state' in body ? record(body['state']) : body;
  return TITLES.flatMap(([key, title]) => {
    const value = withoutCandles(record(state[key]));
    return Object.keys(value).length ? [{ key, title, value }] : [];
  });
}

/** What each step did and cost. */
export function stepsOf(report: unknown): ReportStep[] {
  return list(record(report)['steps']).map((entry) => {
    const step = record(entry) as Partial<Record<keyof StepExecution, JsonRecord[string]>>;
    const input = number(step.input_tokens) ?? 0;
    const output = number(step.output_tokens) ?? 0;
    return {
      id: text(step.node_id),
      name: text(step.agent_name) || agentName(text(step.agent_type)),
      status: text(step.status),
      summary: text(step.error) || text(step.summary),
      took: text(step.status) === 'completed' ? formatDuration(number(step.runtime_ms)) : '',
      tokens: input + output,
      cost: formatUsd(text(step.cost_usd), 4),
    };
  });
}
