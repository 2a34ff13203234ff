/**
 * Money of the API is a decimal string ("0.0021370000"). It is rounded and grouped as text: floats would change it.
 */

/** U+2212, as wide as a plus; a hyphen is not. */
export const MINUS = '−';

interface Parts {
  isNegative: boolean;
  digits: string;
  fraction: string;
}

/** Far beyond any amount; keeps a hostile exponent from filling the memory. */
const MOST_EXPONENT = 100;

/** Reads `-12.5` and `3.6E-7`, as decimals are written. */
function split(value: string): Parts | undefined {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(value.trim());
  const exponent = Number(match?.[4] ?? 0);
  if (!match || Math.abs(exponent) > MOST_EXPONENT) {
    return undefined;
  }
  const digits = (match[2] ?? '0').padStart(1 - exponent, '0');
  const fraction = (match[3] ?? '').padEnd(exponent, '0');
  const all = digits + fraction;
  const point = digits.length + exponent;
  return { isNegative: match[1] === '-', digits: all.slice(0, point) || '0', fraction: all.slice(point) };
}

/** Rounds half up (away from zero) to `places` decimals. Returns undefined for what is not a decimal number. */
function round(value: string, places: number): Parts | undefined {
  const parts = split(value);
  if (!parts) {
    return undefined;
  }
  const padded = parts.fraction.padEnd(places + 1, '0');
  const scaled = BigInt(parts.digits + padded.slice(0, places)) + (padded.charAt(places) >= '5' ? 1n : 0n);
  const text = scaled.toString().padStart(places + 1, '0');
  return {
    isNegative: parts.isNegative && scaled !== 0n,
    digits: text.slice(0, text.length - places),
    fraction: places === 0 ? '' : text.slice(-places),
  };
}

export interface DecimalFormat {
  /** Decimals shown. */
  places: number;
  /** Whether a positive number gets its plus, as changes do. */
  isSigned?: boolean;
  /** Put before the digits, after the sign: "$". */
  unit?: string;
}

/** Formats a decimal string, "—" for what is missing or no number: `-1234.5` → `−$1,234.50`. */
export function formatDecimal(value: string | null | undefined, format: DecimalFormat): string {
  const parts = value == null ? undefined : round(value, format.places);
  if (!parts) {
    return '—';
  }
  const grouped = parts.digits.replace(/^0+(?=\d)/, '').replace(/\B(?=(\d{3})+$)/g, ',');
  const isZero = /^0*$/.test(parts.digits + parts.fraction);
  const sign = parts.isNegative ? MINUS : format.isSigned && !isZero ? '+' : '';
  return `${sign}${format.unit ?? ''}${grouped}${parts.fraction ? '.' + parts.fraction : ''}`;
}

/** Formats US dollars: two decimals, four under a dollar, because a step costs a tenth of a
 * cent; `<$0.0001` for what would look like nothing. */
export function formatUsd(value: string | null | undefined, places?: number): string {
  const parts = value == null ? undefined : split(value);
  if (!parts) {
    return '—';
  }
  const isSmall = /^0+$/.test(parts.digits) && /[1-9]/.test(parts.fraction);
  const shown = places ?? (isSmall ? 4 : 2);
  const text = formatDecimal(value, { places: shown, unit: '$' });
  const isLost = isSmall && !/[1-9]/.test(text);
  return isLost && !parts.isNegative ? `<$${'0.'.padEnd(shown + 1, '0')}1` : text;
}

/** Adds decimal strings exactly. What is no number counts as nothing. */
export function sumDecimals(values: readonly (string | null | undefined)[]): string {
  const SCALE = 10;
  let total = 0n;
  for (const value of values) {
    const parts = value == null ? undefined : split(value);
    if (parts) {
      const scaled = BigInt(parts.digits + parts.fraction.padEnd(SCALE, '0').slice(0, SCALE));
      total += parts.isNegative ? -scaled : scaled;
    }
  }
  const text = (total < 0n ? -total : total).toString().padStart(SCALE + 1, '0');
  return `${total < 0n ? '-' : ''}${text.slice(0, -SCALE)}.${text.slice(-SCALE)}`;
}
