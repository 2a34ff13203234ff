import { StepExecution } from '../../data/models';
import { stepInFocus, timelineOf } from './timeline';

function step(node_id: string, position: number, status: StepExecution['status'], more: Partial<StepExecution> = {}) {
  return {
    node_id,
    position,
    status,
    agent_name: '',
    agent_type: 'bias_agent',
    api_calls: 0,
    attempt: 1,
    cost_usd: '0',
    error: '',
    finished_at: null,
    input_tokens: 0,
    llm_calls: 0,
    model: '',
    output: null,
    output_tokens: 0,
    provider: '',
    runtime_ms: 0,
    started_at: null,
    summary: '',
    ...more,
  } satisfies StepExecution;
}

describe('timelineOf', () => {
  it('orders steps by the chain and counts the running one on', () => {
    const started_at = '2026-01-05T12:00:00Z';
    const rows = timelineOf(
      [
        step('b', 1, 'running', { started_at }),
        step('a', 0, 'completed', { started_at, finished_at: started_at, runtime_ms: 240, cost_usd: '0.002' }),
        step('c', 2, 'pending'),
      ],
      Date.parse(started_at) + 3200,
    );
    expect(rows.map(({ id, duration, cost }) => [id, duration, cost])).toEqual([
      ['a', '240 ms', '$0.0020'],
      ['b', '3.2 s', ''],
      ['c', '', ''],
    ]);
  });
});

describe('stepInFocus', () => {
  it('follows what runs, then what failed, then what came last', () => {
    expect(stepInFocus([step('a', 0, 'completed'), step('b', 1, 'running'), step('c', 2, 'pending')])).toBe('b');
    expect(stepInFocus([step('a', 0, 'completed'), step('b', 1, 'failed'), step('c', 2, 'skipped')])).toBe('b');
    expect(stepInFocus([step('b', 1, 'completed'), step('a', 0, 'completed')])).toBe('b');
    expect(stepInFocus([])).toBeUndefined();
  });
});
