import { Provider } from '@angular/core';

import { Backend } from '../data/backend';

/** Answers some calls of the backend; any other call fails the test by not being there. */
export function provideFakeBackend(answers: Partial<Backend>): Provider {
  return { provide: Backend, useValue: answers };
}

/** A promise that the test settles. */
export class Answer<T> {
  settle!: (value: T) => void;
  refuse!: (reason: unknown) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.settle = resolve;
    this.refuse = reject;
  });
}
