/** Keys of the whole page. Single keys are off while one types. */

export interface Shortcut {
  keys: string;
  does: string;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { keys: 'Ctrl K', does: 'Commands and search' },
  { keys: 'g d', does: 'Dashboard' },
  { keys: 'g p', does: 'Pipelines' },
  { keys: 'g e', does: 'Executions' },
  { keys: 'g r', does: 'Reports' },
  { keys: 'g b', does: 'Billing' },
  { keys: '/', does: 'Search' },
  { keys: 'j k', does: 'Next and previous row' },
  { keys: 'Enter', does: 'Open the row' },
  { keys: '?', does: 'This list' },
  { keys: 'Esc', does: 'Close' },
];

const SEQUENCE_MS = 1200;

export interface KeyStroke {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** Turns key strokes into the names of shortcuts, sequences like `g d` included. */
export class KeyReader {
  private prefix = '';
  private prefixAt = 0;

  /** Returns what was pressed ("g d", "?", "Ctrl K"), or undefined for nothing of ours. `now` in ms. */
  read(stroke: KeyStroke, isTyping: boolean, now: number): string | undefined {
    if ((stroke.ctrlKey || stroke.metaKey) && stroke.key.toLowerCase() === 'k') {
      return 'Ctrl K';
    }
    if (isTyping || stroke.ctrlKey || stroke.metaKey || stroke.altKey) {
      this.prefix = '';
      return undefined;
    }
    if (this.prefix && now - this.prefixAt < SEQUENCE_MS) {
      const sequence = `${this.prefix} ${stroke.key}`;
      this.prefix = '';
      return sequence;
    }
    if (stroke.key === 'g') {
      this.prefix = stroke.key;
      this.prefixAt = now;
      return undefined;
    }
    return stroke.key;
  }
}

/** Whether keys go to a field just now. */
export function isTypingIn(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
