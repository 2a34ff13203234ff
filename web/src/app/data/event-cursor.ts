import { LiveEvent } from './models';

/**
 * Remembers how far the event log was read, so that the socket, a resumed socket and polling may overlap: what was
 * seen is dropped, whatever path it came by. Numbers need not be consecutive, other users' events lie between.
 */
export class EventCursor {
  private last: number | undefined;

  /** The number to resume after; undefined before the first greeting. */
  get after(): number | undefined {
    return this.last;
  }

  /** Takes the server's place in the log as ours when we have none yet. Returns whether events may lie between. */
  greet(seq: number): boolean {
    if (this.last === undefined) {
      this.last = seq;
      return false;
    }
    return seq > this.last;
  }

  /** Returns the events not seen before, in order, and moves on behind them. */
  accept(events: readonly LiveEvent[]): LiveEvent[] {
    const fresh: LiveEvent[] = [];
    for (const event of [...events].sort((a, b) => a.seq - b.seq)) {
      if (this.last === undefined || event.seq > this.last) {
        this.last = event.seq;
        fresh.push(event);
      }
    }
    return fresh;
  }
}
