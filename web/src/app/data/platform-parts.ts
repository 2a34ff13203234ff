import { list, record, text } from './reading';

/** A process or a neighbour of the platform; `sentence` is what its state means for the user. */
export interface Part {
  name: string;
  title: string;
  state: string;
  sentence: string;
  /** What it says of itself. */
  detail: string;
}

/** Worst first. */
const RANK: readonly string[] = ['down', 'missing', 'degraded', 'waiting', 'starting', 'ok'];

/** Reads the parts of a health answer, asked for or pushed: neighbours first, then processes. */
export function readParts(health: unknown): Part[] {
  const body = record(health);
  const neighbours = list(body['parts']).map((entry) => {
    const part = record(entry);
    const latency = part['latency_ms'];
    const detail = typeof latency === 'number' ? `answers in ${latency.toFixed(1)} ms` : '';
    return { ...named(part), state: text(part['status']), detail };
  });
  const processes = list(body['processes']).map((entry) => {
    const process = record(entry);
    return { ...named(process), state: text(process['state']), detail: text(process['detail']) };
  });
  return [...neighbours, ...processes];
}

function named(part: ReturnType<typeof record>): { name: string; title: string; sentence: string } {
  return {
    name: text(part['name']),
    title: text(part['title']) || text(part['name']),
    sentence: text(part['sentence']),
  };
}

/** The parts that are not as they should be, worst first. */
export function troublesOf(parts: readonly Part[]): Part[] {
  return parts.filter(({ state }) => state !== 'ok').sort((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state));
}

/** What each trouble means, as sentences, each once. */
export function sentencesOf(troubles: readonly Part[]): string[] {
  const said = troubles.map(({ title, state, sentence }) => asSentence(sentence || `${title} is ${state}`));
  return [...new Set(said)];
}

function asSentence(words: string): string {
  const begun = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
