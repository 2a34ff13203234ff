import { computed, inject, Injectable, InjectionToken, signal } from '@angular/core';
import { filter, firstValueFrom, race, Subject, timer } from 'rxjs';

import { EventCursor } from './event-cursor';
import { readMessage } from './live-protocol';
import { JsonRecord, LiveEvent, Snapshot } from './models';

export type LinkState = 'connecting' | 'live' | 'polling' | 'offline';

/** The part of a WebSocket that the link uses. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((message: { data: string }) => void) | null;
  onclose: ((close: { code: number }) => void) | null;
  send(data: string): void;
  close(): void;
}

export const OPEN_SOCKET = new InjectionToken<() => Socket>('opens the live socket', {
  providedIn: 'root',
  factory: () => () => {
    const url = new URL('/ws', window.location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return new WebSocket(url) as unknown as Socket;
  },
});

const POLL_MS = 2000;
/** While polling, the socket is tried again at once and then each fifth time. */
const POLLS_A_TRY = 5;
/** After this long without a word the server is asked whether it is there: on a quiet night nothing may happen. */
const SILENCE_MS = 15_000;
/** A socket that does not answer that for this long is taken for dead. */
const PATIENCE_MS = 5_000;
const NOT_LOGGED_IN = 4401;

/**
 * The one live connection of the page. Over the socket while that stands, else by polling: stores listen to `events`,
 * `market` and `health`, and read what they show again on `polls` and on `resumes`.
 */
@Injectable({ providedIn: 'root' })
export class LiveLink {
  private readonly open = inject(OPEN_SOCKET);
  private readonly cursor = new EventCursor();
  private readonly stateOf = signal<LinkState>('connecting');
  private readonly heardAt = signal<number | undefined>(undefined);

  private socket: Socket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private polled = 0;
  private symbols: readonly string[] = [];

  readonly state = this.stateOf.asReadonly();
  /** When the server was last heard, epoch ms. */
  readonly lastHeardAt = this.heardAt.asReadonly();
  readonly isLive = computed(() => this.stateOf() === 'live');

  /** Events not seen before, in order. */
  readonly events = new Subject<LiveEvent>();
  readonly market = new Subject<Snapshot[]>();
  readonly health = new Subject<JsonRecord>();
  /** Time to read by REST what the socket would have told. */
  readonly polls = new Subject<void>();
  /** The socket stands again after a time without: what was shown meanwhile may be old. */
  readonly resumes = new Subject<void>();
  /** The server does not know the session any more. */
  readonly rejections = new Subject<void>();

  /** The place in the event log up to which everything was seen. */
  get after(): number | undefined {
    return this.cursor.after;
  }

  start(): void {
    if (!this.socket && !this.timer) {
      this.connect();
    }
  }

  stop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.timer = undefined;
    const socket = this.socket;
    this.socket = undefined;
    if (socket) {
      socket.onclose = null;
      socket.close();
    }
    this.stateOf.set('connecting');
  }

  /** Asks for the market frames of these symbols, now and after each reconnect. */
  watch(symbols: readonly string[]): void {
    this.symbols = symbols;
    this.subscribe();
  }

  /** Takes events that were read by polling. */
  takeEvents(events: readonly LiveEvent[]): void {
    for (const event of this.cursor.accept(events)) {
      this.events.next(event);
    }
  }

  /** Told by the HTTP layer whether the server answers, which parts "polling" from "offline". */
  noteAnswer(isAnswered: boolean): void {
    if (isAnswered) {
      this.heardAt.set(Date.now());
    }
    if (this.stateOf() === 'polling' && !isAnswered) {
      this.stateOf.set('offline');
    } else if (this.stateOf() === 'offline' && isAnswered) {
      this.stateOf.set('polling');
    }
  }

  /** Waits for the first event of an execution, at most `most_ms`: polling may be what tells of it then. */
  async untilHeardOf(executionId: string, most_ms: number): Promise<void> {
    const heard = this.events.pipe(filter(({ execution_id }) => execution_id === executionId));
    await firstValueFrom(race(heard, timer(most_ms)));
  }

  private connect(): void {
    this.timer = undefined;
    const socket = this.open();
    this.socket = socket;
    socket.onopen = () => this.subscribe();
    socket.onmessage = (message) => this.receive(message.data);
    socket.onclose = (close) => this.lost(close.code);
    this.expectMore();
  }

  private subscribe(): void {
    if (this.socket && this.stateOf() === 'live') {
      this.socket.send(JSON.stringify({ type: 'subscribe', symbols: this.symbols, after: this.cursor.after }));
    }
  }

  private receive(frame: string): void {
    const message = readMessage(frame);
    this.heardAt.set(Date.now());
    this.expectMore();
    switch (message.type) {
      case 'hello':
        this.greeted(message.seq);
        break;
      case 'event':
        this.takeEvents([message.event]);
        break;
      case 'market':
        this.market.next(message.snapshots);
        break;
      case 'health':
        this.health.next(message.body);
        break;
      case 'other':
        break;
    }
  }

  private greeted(seq: number): void {
    const wasLive = this.stateOf() === 'live';
    const isFirst = this.cursor.after === undefined;
    this.cursor.greet(seq);
    this.polled = 0;
    this.stateOf.set('live');
    this.subscribe();
    if (!wasLive && !isFirst) {
      this.resumes.next();
    }
  }

  private lost(code: number): void {
    clearTimeout(this.watchdog);
    this.socket = undefined;
    if (code === NOT_LOGGED_IN) {
      this.stateOf.set('offline');
      this.rejections.next();
      return;
    }
    if (this.stateOf() !== 'offline') {
      this.stateOf.set('polling');
    }
    this.poll();
  }

  /** Polls now and every two seconds; a try of the socket takes the place of a poll. */
  private poll(): void {
    this.polled += 1;
    this.polls.next();
    clearTimeout(this.timer);
    const isTry = this.polled === 1 || this.polled % POLLS_A_TRY === 0;
    const next = isTry ? () => this.connect() : () => this.poll();
    this.timer = setTimeout(next, POLL_MS);
  }

  private expectMore(): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      // The server answers a subscription with its health.
      this.subscribe();
      this.watchdog = setTimeout(() => this.socket?.close(), PATIENCE_MS);
    }, SILENCE_MS);
  }
}
