import { JsonRecord, LiveEvent } from '../../data/models';
import { eventWords } from './event-words';

function event(name: string, payload: JsonRecord = {}): LiveEvent {
  return { seq: 1, event: name, execution_id: 'e', pipeline_id: 'p', at: '', payload };
}

describe('eventWords', () => {
  it('names the agent, what it said and what it cost', () => {
    const payload = { agent_type: 'bias_agent', summary: 'Bullish, 85 % confident', cost_usd: '0.002' };
    expect(eventWords(event('agent_completed', payload))).toBe('Bias finished: Bullish, 85 % confident ($0.0020)');
    expect(eventWords(event('agent_started', { agent_type: 'strategy_agent' }))).toBe('Strategy started.');
  });

  it('says why an execution was suppressed or failed', () => {
    expect(eventWords(event('execution_suppressed', { reason: 'budget' }))).toBe('Suppressed: budget');
    expect(eventWords(event('error', { error_message: 'No market data.' }))).toBe('Failed: No market data.');
  });

  it('shows an event it does not know by its name', () => {
    expect(eventWords(event('pipeline_changed'))).toBe('pipeline changed.');
  });
});
