import { Json, JsonRecord } from '../../data/models';
import { formatDecimal } from '../decimal';
import { formatNumber, formatUtc } from '../format';

/** How one entry of a record is shown. */
export type Part =
  | { kind: 'fact'; key: string; label: string; text: string }
  | { kind: 'prose'; key: string; label: string; text: string }
  | { kind: 'bullets'; key: string; label: string; texts: string[] }
  | { kind: 'table'; key: string; label: string; columns: string[]; heads: string[]; rows: string[][]; more: number }
  | { kind: 'record'; key: string; label: string; value: JsonRecord };

/** An indicator's column, `RSI_14`: a name to keep. */
const COLUMN = /^[A-Z]+(_\d+)+/;
const LONG = 60;
const MOST_ROWS = 20;
const MOST_PLACES = 10;
const DECIMAL = /^[+-]?\d+(\.\d+([eE][+-]?\d+)?|[eE][+-]?\d+)$/;
/** A name of ours, as `every_edge`. */
const NAME = /^[a-z]+(_[a-z]+)+$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

const UNITS: readonly [RegExp, string][] = [
  [/_usd$/, ' (USD)'],
  [/_pct$/, ' (%)'],
  [/_ms$/, ' (ms)'],
  [/_seconds$/, ' (s)'],
];

/** `risk_reward_ratio` → `Risk reward ratio`, `limit_usd` → `Limit (USD)`. */
export function labelOf(key: string): string {
  if (COLUMN.test(key)) {
    return key;
  }
  const unit = UNITS.find(([ending]) => ending.test(key));
  const words = (unit ? key.replace(unit[0], '') : key).replace(/_at$/, '').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1) + (unit?.[1] ?? '');
}

/** Turns a record that nobody described to the page into parts: facts first, then prose, lists, tables, records. */
export function partsOf(value: JsonRecord, hidden: readonly string[] = []): Part[] {
  const order = ['fact', 'prose', 'bullets', 'table', 'record'];
  return Object.entries(value)
    .filter(([key]) => !hidden.includes(key))
    .flatMap(([key, entry]) => partOf(key, entry) ?? [])
    .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

function partOf(key: string, value: Json): Part | undefined {
  const label = labelOf(key);
  if (Array.isArray(value)) {
    return listPart(key, label, value);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.keys(value).length ? { kind: 'record', key, label, value } : undefined;
  }
  const text = scalar(value);
  if (text === '') {
    return undefined;
  }
  return { kind: text.length > LONG ? 'prose' : 'fact', key, label, text };
}

function listPart(key: string, label: string, values: Json[]): Part | undefined {
  if (values.length === 0) {
    return undefined;
  }
  const records = values.filter((value): value is JsonRecord => isFlat(value));
  if (records.length === values.length) {
    const columns = [...new Set(records.flatMap((row) => Object.keys(row)))].filter((column) =>
      records.some((row) => scalar(row[column]) !== ''),
    );
    const rows = records.slice(0, MOST_ROWS).map((row) => columns.map((column) => scalar(row[column]) || '—'));
    const more = Math.max(0, records.length - MOST_ROWS);
    return { kind: 'table', key, label, columns, heads: columns.map(labelOf), rows, more };
  }
  if (values.every((value) => typeof value !== 'object' || value === null)) {
    const texts = values.map(scalar);
    const joined = texts.join(', ');
    const isShort = joined.length <= LONG && texts.every((text) => !text.includes(' '));
    return isShort ? { kind: 'fact', key, label, text: joined } : { kind: 'bullets', key, label, texts };
  }
  return { kind: 'record', key, label, value: Object.fromEntries(values.map((value, at) => [String(at + 1), value])) };
}

function isFlat(value: Json): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((entry) => typeof entry !== 'object' || entry === null)
  );
}

/** One value as text; "" for what is not there. Decimals lose their trailing zeros, moments are exact UTC. */
export function scalar(value: Json | undefined): string {
  if (value === null || value === undefined || value === '') {
    return '';
  }
  if (typeof value === 'boolean') {
    return value ? 'yes' : 'no';
  }
  if (typeof value === 'number') {
    return Number.isInteger(value) ? formatNumber(value, 0) : formatNumber(value, Math.abs(value) < 1 ? 4 : 2);
  }
  if (typeof value !== 'string') {
    return JSON.stringify(value);
  }
  if (DECIMAL.test(value)) {
    const plain = formatDecimal(value, { places: MOST_PLACES });
    const places = plain.replace(/^.*\./, '').replace(/0+$/, '').length;
    return formatDecimal(value, { places: places === 1 ? 2 : places });
  }
  if (NAME.test(value)) {
    return value.replaceAll('_', ' ');
  }
  return MOMENT.test(value) ? formatUtc(value).replace(/\.000 /, ' ') : value;
}
