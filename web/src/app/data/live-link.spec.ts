import { TestBed } from '@angular/core/testing';

import { FakeServer } from '../testing/fake-socket';
import { LiveLink } from './live-link';

function setUp() {
  const server = new FakeServer();
  TestBed.configureTestingModule({ providers: [server.provider] });
  const link = TestBed.inject(LiveLink);
  const seen: number[] = [];
  link.events.subscribe((event) => seen.push(event.seq));
  return { link, server, seen };
}

describe('LiveLink', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is live from the greeting on and asks for its symbols', () => {
    const { link, server } = setUp();
    link.start();
    link.watch(['AAPL']);
    expect(link.state()).toBe('connecting');
    server.last.say({ type: 'hello', seq: 5 });
    expect(link.state()).toBe('live');
    expect(server.last.sent.map((frame) => JSON.parse(frame) as object)).toEqual([
      { type: 'subscribe', symbols: ['AAPL'], after: 5 },
    ]);
  });

  it('polls when the socket is lost, then resumes after the last event it saw', () => {
    const { link, server, seen } = setUp();
    let polls = 0;
    let resumes = 0;
    link.polls.subscribe(() => (polls += 1));
    link.resumes.subscribe(() => (resumes += 1));
    link.start();
    server.last.say({ type: 'hello', seq: 5 });
    server.last.say({ type: 'event', seq: 6, event: 'agent_started' });
    server.last.close();
    expect(link.state()).toBe('polling');
    expect(polls).toBe(1);

    link.takeEvents([{ seq: 7, event: 'agent_completed', execution_id: null, pipeline_id: null, at: '', payload: {} }]);
    vi.advanceTimersByTime(2000);
    expect(server.sockets.length).toBe(2);
    server.last.say({ type: 'hello', seq: 9 });
    expect(JSON.parse(server.last.sent[0] ?? '')).toMatchObject({ after: 7 });
    expect(resumes).toBe(1);
    server.last.say({ type: 'event', seq: 7, event: 'agent_completed' });
    server.last.say({ type: 'event', seq: 8, event: 'execution_completed' });
    expect(seen).toEqual([6, 7, 8]);
  });

  it('says offline when polling is not answered either, and polling again when it is', () => {
    const { link, server } = setUp();
    link.start();
    server.last.say({ type: 'hello', seq: 5 });
    server.last.close();
    link.noteAnswer(false);
    expect(link.state()).toBe('offline');
    link.noteAnswer(true);
    expect(link.state()).toBe('polling');
  });

  it('asks a silent socket and keeps it when it answers', () => {
    const { link, server } = setUp();
    link.start();
    server.last.say({ type: 'hello', seq: 5 });
    vi.advanceTimersByTime(15_000);
    expect(server.last.sent.length).toBe(2);
    server.last.say({ type: 'health', processes: [] });
    vi.advanceTimersByTime(14_000);
    expect(link.state()).toBe('live');
    expect(server.sockets.length).toBe(1);
  });

  it('takes a socket that does not answer for dead', () => {
    const { link, server } = setUp();
    link.start();
    server.last.say({ type: 'hello', seq: 5 });
    const first = server.last;
    vi.advanceTimersByTime(20_000);
    expect(first.isClosed).toBe(true);
    expect(link.state()).toBe('polling');
  });

  it('does not try again when the session is not known', () => {
    const { link, server } = setUp();
    let rejections = 0;
    link.rejections.subscribe(() => (rejections += 1));
    link.start();
    server.last.drop(4401);
    vi.advanceTimersByTime(60_000);
    expect(server.sockets.length).toBe(1);
    expect(rejections).toBe(1);
  });
});
