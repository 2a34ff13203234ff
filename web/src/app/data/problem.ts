import { HttpErrorResponse } from '@angular/common/http';

import { list, record, text } from './reading';

/** A failed call in the user's words: what failed, and what to do about it. */
export interface Problem {
  title: string;
  advice: string;
  /** HTTP status; 0 when nobody answered. */
  status: number;
}

/** Puts a failure into words. `what` says what was tried: "load executions". */
export function describeProblem(what: string, error: unknown): Problem {
  const status = error instanceof HttpErrorResponse ? error.status : -1;
  const said = error instanceof HttpErrorResponse ? spoken(error.error) : '';
  const title = `Could not ${what}.`;
  if (status === 0) {
    return { title, status, advice: 'The server does not answer. What is shown may be out of date.' };
  }
  if (status === 401) {
    return { title, status, advice: 'Your session has ended. Log in again.' };
  }
  if (status === 404) {
    return { title, status, advice: said || 'It does not exist, or it is not yours.' };
  }
  if (status >= 500) {
    return { title, status, advice: said || 'The server has a problem. It is usually back within seconds.' };
  }
  return { title, status, advice: said || 'Try again.' };
}

/** The sentence in an error body: `message`, `detail`, or the first of a list of field problems. */
function spoken(body: unknown): string {
  const outer = record(body);
  const inner = record(outer['error']);
  const direct = text(inner['message']) || text(outer['message']) || text(outer['detail']);
  if (direct) {
    return direct;
  }
  const first = record(list(outer['detail'])[0]);
  return text(first['msg']) || text(record(outer['detail'])['message']);
}
