import { EventCursor } from './event-cursor';
import { LiveEvent } from './models';

function event(seq: number): LiveEvent {
  return { seq, event: 'agent_started', execution_id: 'e', pipeline_id: 'p', at: '', payload: {} };
}

describe('EventCursor', () => {
  it('starts where the server stands', () => {
    const cursor = new EventCursor();
    expect(cursor.greet(41)).toBe(false);
    expect(cursor.after).toBe(41);
  });

  it('drops what was seen on another path and puts the rest in order', () => {
    const cursor = new EventCursor();
    cursor.greet(10);
    expect(cursor.accept([event(12), event(11), event(10)]).map((e) => e.seq)).toEqual([11, 12]);
    expect(cursor.accept([event(11), event(12), event(15)]).map((e) => e.seq)).toEqual([15]);
    expect(cursor.after).toBe(15);
  });

  it('knows after a reconnect that events lie between, and keeps its place until they came', () => {
    const cursor = new EventCursor();
    cursor.greet(10);
    expect(cursor.greet(14)).toBe(true);
    expect(cursor.after).toBe(10);
    expect(cursor.greet(10)).toBe(false);
  });
});
