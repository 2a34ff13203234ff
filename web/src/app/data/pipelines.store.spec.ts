import { HttpErrorResponse } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';

import { Answer, provideFakeBackend } from '../testing/fake-backend';
import { FakeServer } from '../testing/fake-socket';
import { aPipeline } from '../testing/samples';
import { PipelinesStore } from './pipelines.store';

describe('PipelinesStore', () => {
  it('marks a pipeline busy while a verb is under way and reads the list after it', async () => {
    const done = new Answer<undefined>();
    let state: 'active' | 'paused' = 'active';
    TestBed.configureTestingModule({
      providers: [
        new FakeServer().provider,
        provideFakeBackend({
          listPipelines: () => Promise.resolve([aPipeline({ state })]),
          pausePipeline: () => done.promise,
        }),
      ],
    });
    const store = TestBed.inject(PipelinesStore);
    await store.load();
    const verb = store.pausePipeline('p1');
    expect(store.busy()).toEqual(['p1']);
    state = 'paused';
    done.settle(undefined);
    await verb;
    expect(store.busy()).toEqual([]);
    expect(store.byId().get('p1')?.state).toBe('paused');
  });

  it('keeps why a verb was refused until it is dismissed', async () => {
    const refused = new Answer<string>();
    const refusal = new HttpErrorResponse({ status: 409, error: { detail: 'It is archived.' } });
    TestBed.configureTestingModule({
      providers: [new FakeServer().provider, provideFakeBackend({ firePipeline: () => refused.promise })],
    });
    const store = TestBed.inject(PipelinesStore);
    refused.refuse(refusal);
    expect(await store.firePipeline('p1')).toBeUndefined();
    expect(store.refusal()).toMatchObject({ title: 'Could not fire the pipeline.', advice: 'It is archived.' });
    store.dismissRefusal();
    expect(store.refusal()).toBeUndefined();
  });
});
