import { MINUS } from './decimal';

const grouped = new Map<number, Intl.NumberFormat>();

/** Formats a float of the engine (price, indicator) with fixed decimals, U+2212 for minus, "—" for what is unknown. */
export function formatNumber(value: number | null | undefined, places: number): string {
  if (value == null || !Number.isFinite(value)) {
    return '—';
  }
  let format = grouped.get(places);
  if (!format) {
    format = new Intl.NumberFormat('en-US', { minimumFractionDigits: places, maximumFractionDigits: places });
    grouped.set(places, format);
  }
  return format.format(Object.is(value, -0) ? 0 : value).replace('-', MINUS);
}

/** Decimals that suit an instrument trading at `price`, so that all its prices line up. */
export function pricePlaces(price: number | null | undefined): number {
  const size = Math.abs(price ?? 0);
  if (size === 0 || size >= 1) {
    return 2;
  }
  return size >= 0.01 ? 4 : 6;
}

export function formatPrice(value: number | null | undefined): string {
  return formatNumber(value, pricePlaces(value));
}

/** `+1.24%`; the sign is always there, because colour alone does not tell. */
export function formatPercentChange(ratio: number | null | undefined): string {
  if (ratio == null || !Number.isFinite(ratio)) {
    return '—';
  }
  const percent = ratio * 100;
  return `${percent > 0 ? '+' : ''}${formatNumber(percent, 2)}%`;
}

export function formatVolume(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) {
    return '—';
  }
  const steps: readonly [number, string][] = [
    [1e9, 'B'],
    [1e6, 'M'],
    [1e4, 'K'],
  ];
  for (const [size, unit] of steps) {
    if (Math.abs(value) >= size) {
      return formatNumber(value / (unit === 'K' ? 1e3 : size), 2) + unit;
    }
  }
  return formatNumber(value, Number.isInteger(value) ? 0 : 3);
}

/** A span of time in its two largest units: `840 ms`, `3.2 s`, `4 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) {
    return '—';
  }
  if (ms < 1000) {
    return `${Math.max(0, Math.round(ms))} ms`;
  }
  const seconds = ms / 1000;
  if (seconds < 60) {
    return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)} s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
  }
  const hours = Math.floor(minutes / 60);
  return hours < 24
    ? `${hours} h ${String(minutes % 60).padStart(2, '0')} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export type Moment = string | number | null | undefined;

function toDate(moment: Moment): Date | undefined {
  if (moment == null || moment === '') {
    return undefined;
  }
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' });

/** `14:02:11` in the user's zone. */
export function formatClock(moment: Moment): string {
  const date = toDate(moment);
  return date ? clock.format(date) : '—';
}

/** `14:02:11` today, `21 Nov 14:02:11` on another day, in the user's zone. */
export function formatTime(moment: Moment, now: number): string {
  const date = toDate(moment);
  if (!date) {
    return '—';
  }
  const isToday = date.toDateString() === new Date(now).toDateString();
  return isToday ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
}

/** Exact UTC with milliseconds, for hovering. */
export function formatUtc(moment: Moment): string {
  const date = toDate(moment);
  return date ? date.toISOString().replace('T', ' ').replace('Z', ' UTC') : '';
}

/** `just now`, `42 s ago`, `5 min ago`, `3 h ago`, `2 d ago`. */
export function formatAgo(moment: Moment, now: number): string {
  const date = toDate(moment);
  if (!date) {
    return '—';
  }
  const seconds = Math.floor((now - date.getTime()) / 1000);
  if (seconds < 2) {
    return 'just now';
  }
  if (seconds < 60) {
    return `${seconds} s ago`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} min ago`;
  }
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86_400)} d ago`;
}

/** `Europe/Berlin`: named once a table. */
export function zoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** `bias_agent` → `Bias`, `price_trigger` → `Price trigger`. */
export function agentName(agentType: string): string {
  const words = agentType.replace(/_agent$/, '').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `BINANCE:BTCUSDT` → `BTCUSDT`. The venue is shown apart. */
export function shortSymbol(symbol: string): string {
  return symbol.slice(symbol.indexOf(':') + 1);
}

export function venue(symbol: string): string {
  const at = symbol.indexOf(':');
  return at < 0 ? '' : symbol.slice(0, at);
}

/** The start of an id, enough to tell one from another in a list. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}
