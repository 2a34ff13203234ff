import { LiveEvent } from '../../data/models';
import { text } from '../../data/reading';
import { formatUsd } from '../../ui/decimal';
import { agentName } from '../../ui/format';

/** Says an event of the log in a line. What it says of itself is kept as it is. */
export function eventWords({ event, payload }: LiveEvent): string {
  const agent = agentName(text(payload['agent_type']) || text(payload['agent_id']) || text(payload['node_id']));
  const summary = text(payload['summary']) || text(payload['output_summary']);
  switch (event) {
    case 'execution_queued':
      return text(payload['kind']) === 'manual' ? 'Queued: fired by hand.' : 'Queued: the trigger fired.';
    case 'execution_started':
      return 'Started.';
    case 'execution_suppressed':
      return join('Suppressed', text(payload['detail']) || text(payload['reason']));
    case 'agent_started':
      return `${agent} started.`;
    case 'agent_completed': {
      const cost = text(payload['cost_usd']) || text(payload['cost_increment']);
      return join(`${agent} finished`, summary) + (Number(cost) > 0 ? ` (${formatUsd(cost, 4)})` : '');
    }
    case 'trade_executed':
      return join('Order sent', summary || trade(payload['trade'] ?? payload));
    case 'report_ready':
      return join('Report written', text(payload['title']) || summary);
    case 'execution_completed':
      return join('Finished', text(payload['status']) === 'completed' ? '' : text(payload['status']));
    case 'error':
      return join(
        agent ? `${agent} failed` : 'Failed',
        text(payload['error_message']) || text(payload['error']) || text(payload['message']),
      );
    default:
      return join(event.replaceAll('_', ' '), summary);
  }
}

function join(what: string, more: string): string {
  return more ? `${what}: ${more}` : `${what}.`;
}

function trade(value: unknown): string {
  const body = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const parts = [text(body['action']), text(body['quantity']), text(body['symbol'])].filter(Boolean);
  const price = text(body['price']) || text(body['filled_price']);
  return parts.join(' ') + (price ? ` at ${price}` : '');
}
