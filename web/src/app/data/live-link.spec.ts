import { TestBed } from '@angular/core/testing';

import { LiveLink, OPEN_SOCKET, Socket } from './live-link';

class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  readonly sent: string[] = [];
  isClosed = false;

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {
    this.isClosed = true;
    this.onclose?.({ code: 1006 });
  }

  say(body: object): void {
    this.onmessage?.({ data: JSON.stringify(body) });
  }
}

function setUp() {
  const sockets: FakeSocket[] = [];
  TestBed.configureTestingModule({
    providers: [
      {
        provide: OPEN_SOCKET,
        useValue: () => {
          const socket = new FakeSocket();
          sockets.push(socket);
          return socket;
        },
      },
    ],
  });
  const link = TestBed.inject(LiveLink);
  const seen: number[] = [];
  link.events.subscribe((event) => seen.push(event.seq));
  const last = () => sockets.at(-1) ?? new FakeSocket();
  return { link, sockets, seen, last };
}

describe('LiveLink', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is live from the greeting on and asks for its symbols', () => {
    const { link, last } = setUp();
    link.start();
    link.watch(['AAPL']);
    expect(link.state()).toBe('connecting');
    last().say({ type: 'hello', seq: 5 });
    expect(link.state()).toBe('live');
    expect(last().sent.map((frame) => JSON.parse(frame) as object)).toEqual([
      { type: 'subscribe', symbols: ['AAPL'], after: 5 },
    ]);
  });

  it('polls when the socket is lost, then resumes after the last event it saw', () => {
    const { link, last, sockets, seen } = setUp();
    let polls = 0;
    let resumes = 0;
    link.polls.subscribe(() => (polls += 1));
    link.resumes.subscribe(() => (resumes += 1));
    link.start();
    last().say({ type: 'hello', seq: 5 });
    last().say({ type: 'event', seq: 6, event: 'agent_started' });
    last().close();
    expect(link.state()).toBe('polling');
    expect(polls).toBe(1);

    link.takeEvents([{ seq: 7, event: 'agent_completed', execution_id: null, pipeline_id: null, at: '', payload: {} }]);
    vi.advanceTimersByTime(2000);
    expect(sockets.length).toBe(2);
    last().say({ type: 'hello', seq: 9 });
    expect(JSON.parse(last().sent[0] ?? '')).toMatchObject({ after: 7 });
    expect(resumes).toBe(1);
    last().say({ type: 'event', seq: 7, event: 'agent_completed' });
    last().say({ type: 'event', seq: 8, event: 'execution_completed' });
    expect(seen).toEqual([6, 7, 8]);
  });

  it('says offline when polling is not answered either, and polling again when it is', () => {
    const { link, last } = setUp();
    link.start();
    last().say({ type: 'hello', seq: 5 });
    last().close();
    link.noteAnswer(false);
    expect(link.state()).toBe('offline');
    link.noteAnswer(true);
    expect(link.state()).toBe('polling');
  });

  it('asks a silent socket and keeps it when it answers', () => {
    const { link, last, sockets } = setUp();
    link.start();
    last().say({ type: 'hello', seq: 5 });
    vi.advanceTimersByTime(15_000);
    expect(last().sent.length).toBe(2);
    last().say({ type: 'health', processes: [] });
    vi.advanceTimersByTime(14_000);
    expect(link.state()).toBe('live');
    expect(sockets.length).toBe(1);
  });

  it('takes a socket that does not answer for dead', () => {
    const { link, last } = setUp();
    link.start();
    last().say({ type: 'hello', seq: 5 });
    const first = last();
    vi.advanceTimersByTime(20_000);
    expect(first.isClosed).toBe(true);
    expect(link.state()).toBe('polling');
  });

  it('does not try again when the session is not known', () => {
    const { link, last, sockets } = setUp();
    let rejections = 0;
    link.rejections.subscribe(() => (rejections += 1));
    link.start();
    last().onclose?.({ code: 4401 });
    vi.advanceTimersByTime(60_000);
    expect(sockets.length).toBe(1);
    expect(rejections).toBe(1);
  });
});
