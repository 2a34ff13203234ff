import { Component, computed, input } from '@angular/core';

import { Firing, LeafEvidence, Side } from '../data/models';
import { formatDuration, formatNumber, pricePlaces, shortSymbol } from './format';
import { Icon } from './icon';
import { StateMark } from './state-mark';
import { TimeMark } from './time-mark';

const OPERATORS: Readonly<Record<string, string>> = {
  '>': 'above',
  '>=': 'at or above',
  '<': 'below',
  '<=': 'at or below',
  '==': 'equal to',
  crosses_above: 'crosses above',
  crosses_below: 'crosses below',
  between: 'between',
};

const FLAGS: Readonly<Record<string, string>> = {
  provisional: 'decided on a forming candle',
  partial: 'part of a candle was missing',
  gap: 'after a gap of the feed',
  may_repaint: 'may look different once the candle closes',
};

const KINDS: Readonly<Record<Firing['kind'], string>> = {
  tick: 'by a trade, at once',
  candle_close: "at a candle's close",
  hold: 'after the condition had held',
  time: 'by the clock',
  news: 'by news',
  manual: 'by hand',
};

interface Row {
  path: string;
  left: string;
  operator: string;
  right: string;
  before: string;
  now: string;
  result: boolean | null;
}

/** Why a trigger fired: each comparison with its values before and at the firing. */
@Component({
  selector: 'tw-evidence',
  imports: [Icon, StateMark, TimeMark],
  templateUrl: './evidence.html',
  styleUrl: './evidence.css',
})
export class EvidenceTable {
  readonly firing = input.required<Firing>();

  protected readonly rows = computed<Row[]>(() => this.firing().evidence.leaves.map(toRow));
  protected readonly flags = computed(() => this.firing().evidence.flags.map((flag) => FLAGS[flag] ?? flag));
  protected readonly price = computed(() => formatNumber(this.firing().price, pricePlaces(this.firing().price)));
  protected readonly symbol = computed(() => shortSymbol(this.firing().symbol));
  /** From the exchange's clock to our receipt; undefined for what no trade decided. */
  protected readonly delay = computed(() => {
    const trade = this.firing().evidence.trade;
    return trade ? formatDuration(trade.recv_ms - trade.ts_ms) : undefined;
  });
  protected readonly how = computed(() => KINDS[this.firing().kind]);
}

function toRow(leaf: LeafEvidence): Row {
  const operator = OPERATORS[leaf.operator] ?? leaf.operator.replaceAll('_', ' ');
  const sides = leaf.upper ? [leaf.left, leaf.right, leaf.upper] : [leaf.left, leaf.right];
  const moving = sides.filter((side) => !isConstant(side));
  const places = Math.max(...sides.map((side) => sidePlaces(side)));
  const at = (pick: (side: Side) => number | null) =>
    moving.map((side) => formatNumber(pick(side), places)).join(' / ') || '—';
  return {
    path: leaf.path,
    left: operand(leaf.left),
    operator,
    right: leaf.upper ? `${operand(leaf.right)} and ${operand(leaf.upper)}` : operand(leaf.right),
    before: at((side) => side.before),
    now: at((side) => side.now),
    result: leaf.result,
  };
}

function sidePlaces(side: Side): number {
  return pricePlaces(side.now ?? side.before);
}

function isConstant(side: Side): boolean {
  return !side.candle && side.operand.trim() !== '' && Number.isFinite(Number(side.operand));
}

function operand(side: Side): string {
  if (isConstant(side)) {
    return formatNumber(side.now, Number.isInteger(side.now) ? 0 : sidePlaces(side));
  }
  if (!side.candle) {
    return side.operand;
  }
  const { timeframe, state } = side.candle;
  const where = side.operand.includes(timeframe) ? state : `${timeframe}, ${state}`;
  return `${side.operand} (${where})`;
}
