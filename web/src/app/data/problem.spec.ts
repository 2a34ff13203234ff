import { HttpErrorResponse } from '@angular/common/http';

import { describeProblem } from './problem';

function advice(status: number, error: unknown = null): string {
  return describeProblem('load x', new HttpErrorResponse({ status, error })).advice;
}

describe('describeProblem', () => {
  it('says what the server said, else what the status means', () => {
    expect(advice(409, { title: 'Conflict', detail: 'Another version was saved.' })).toBe('Another version was saved.');
    expect(advice(422, { detail: [{ msg: 'Field required' }] })).toBe('Field required');
    expect(advice(0)).toContain('does not answer');
    expect(advice(404)).toContain('does not exist');
    expect(advice(503)).toContain('back within seconds');
    expect(describeProblem('load x', new Error('secret')).advice).toBe('Try again.');
  });
});
