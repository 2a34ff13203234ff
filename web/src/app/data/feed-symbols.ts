import { list, number, record, text } from './reading';

/** A watched symbol: how its feed is, since when (feed time), and what that means for its triggers. */
export interface FeedSymbol {
  symbol: string;
  state: string;
  sinceMs: number | null;
  reason: string;
}

/** The feed as a whole. `halts` says whether halts are seen; `refused` are the features that the key lacks. */
export interface FeedView {
  state: string;
  sentence: string;
  halts: string;
  symbols: FeedSymbol[];
  refused: string[];
}

/** Worst first. */
const RANK: readonly string[] = [
  'disconnected', 'waiting_for_slot', 'stale', 'halted', 'quiet', 'live', 'closed',
]; // prettier-ignore

/** Reads the feed out of a health answer: the symbols that need a look first; one without a slot says it waits. */
export function readFeed(health: unknown): FeedView {
  const feed = record(record(health)['feed']);
  const waiting = new Set(list(feed['waiting']).map((entry) => text(record(entry)['symbol'])));
  const symbols = list(feed['symbols']).map((entry) => {
    const one = record(entry);
    const symbol = text(one['symbol']);
    const state = waiting.has(symbol) ? 'waiting_for_slot' : text(one['state']);
    return { symbol, state, sinceMs: number(one['since_ms']), reason: text(one['reason']) };
  });
  const refused = list(feed['capabilities']).map(record);
  return {
    state: text(feed['state']),
    sentence: text(feed['sentence']),
    halts: text(feed['halts']),
    symbols: symbols.sort((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state)),
    refused: refused.filter((one) => one['state'] === 'refused').map((one) => text(one['feature'])),
  };
}
