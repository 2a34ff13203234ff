import { IconName } from './icon';

/** How a state looks. Tones are never those of money: a finished execution is not green because money is. */
export type Tone = 'active' | 'busy' | 'quiet' | 'warn' | 'bad';

const TONES: Readonly<Record<string, Tone>> = {
  armed: 'active',
  active: 'active',
  live: 'active',
  ok: 'active',
  approved: 'active',
  fired: 'busy',
  running: 'busy',
  queued: 'busy',
  warming: 'warn',
  waiting_for_slot: 'warn',
  halted: 'warn',
  waiting_approval: 'warn',
  stale: 'warn',
  degraded: 'warn',
  starting: 'warn',
  waiting: 'warn',
  failed: 'bad',
  error: 'bad',
  rejected: 'bad',
  disconnected: 'bad',
  down: 'bad',
};

export function toneOf(state: string): Tone {
  return TONES[state] ?? 'quiet';
}

/** `waiting_approval` → `Waiting approval`. */
export function stateWord(state: string): string {
  const words = state.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const ICONS: Readonly<Record<string, IconName>> = {
  market_data_agent: 'data',
  bias_agent: 'analysis',
  strategy_agent: 'market',
  risk_manager_agent: 'risk',
  trade_manager_agent: 'execution',
  reporting_agent: 'reports',
  time_trigger: 'clock',
};

export function agentIcon(agentType: string): IconName {
  return ICONS[agentType] ?? 'bolt';
}
