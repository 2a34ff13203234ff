import { HttpErrorResponse } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';

import { Answer, provideFakeBackend } from '../testing/fake-backend';
import { FakeServer } from '../testing/fake-socket';
import { anExecution } from '../testing/samples';
import { ExecutionsStore } from './executions.store';
import { LiveLink } from './live-link';
import { ExecutionSummary } from './models';

function setUp(answers: Answer<ExecutionSummary[]>[]) {
  let calls = 0;
  const server = new FakeServer();
  const listExecutions = () => {
    calls += 1;
    return (answers[calls - 1] ?? new Answer<ExecutionSummary[]>()).promise;
  };
  TestBed.configureTestingModule({ providers: [server.provider, provideFakeBackend({ listExecutions })] });
  return { store: TestBed.inject(ExecutionsStore), server, calls: () => calls };
}

describe('ExecutionsStore', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('drops the answer to a filter that is not asked for any more', async () => {
    const [slow, quick] = [new Answer<ExecutionSummary[]>(), new Answer<ExecutionSummary[]>()];
    const { store } = setUp([slow, quick]);
    const first = store.load({ status: 'failed' });
    const second = store.load({ status: 'completed' });
    quick.settle([anExecution({ id: 'wanted', status: 'completed' })]);
    await second;
    slow.settle([anExecution({ id: 'old', status: 'failed' })]);
    await first;
    expect(store.all().map(({ id }) => id)).toEqual(['wanted']);
  });

  it('keeps what it has when a later load fails, and says so', async () => {
    const [good, bad] = [new Answer<ExecutionSummary[]>(), new Answer<ExecutionSummary[]>()];
    const { store } = setUp([good, bad]);
    const first = store.load();
    good.settle([anExecution()]);
    await first;
    const second = store.load();
    bad.refuse(new HttpErrorResponse({ status: 0 }));
    await second;
    expect(store.all().length).toBe(1);
    expect(store.list().problem).toMatchObject({ title: 'Could not load executions.', status: 0 });
  });

  it('reads the list once for a burst of events', async () => {
    const answer = new Answer<ExecutionSummary[]>();
    const { store, server, calls } = setUp([answer]);
    const load = store.load();
    answer.settle([anExecution()]);
    await load;
    expect(store.running().length).toBe(1);
    TestBed.inject(LiveLink).start();
    server.last.say({ type: 'hello', seq: 1 });
    for (const seq of [2, 3, 4]) {
      server.last.say({ type: 'event', seq, event: 'agent_completed', execution_id: 'e1' });
    }
    await vi.advanceTimersByTimeAsync(300);
    expect(calls()).toBe(2);
  });
});
