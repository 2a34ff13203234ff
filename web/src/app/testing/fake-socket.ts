import { FactoryProvider } from '@angular/core';

import { OPEN_SOCKET, Socket } from '../data/live-link';

/** A socket whose server is the test. */
export class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  readonly sent: string[] = [];
  isClosed = false;

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {
    this.drop(1006);
  }

  /** The server says something. */
  say(body: object): void {
    this.onmessage?.({ data: JSON.stringify(body) });
  }

  /** The connection ends. */
  drop(code: number): void {
    this.isClosed = true;
    this.onclose?.({ code });
  }
}

/** Every socket that the link opened, newest last. */
export class FakeServer {
  readonly sockets: FakeSocket[] = [];

  readonly provider: FactoryProvider = {
    provide: OPEN_SOCKET,
    useFactory: () => () => {
      const socket = new FakeSocket();
      this.sockets.push(socket);
      return socket;
    },
  };

  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) {
      throw new Error('no socket was opened yet');
    }
    return socket;
  }
}
