import { computed, DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { patchState, signalStore, withComputed, withHooks, withMethods, withState } from '@ngrx/signals';
import { auditTime, filter, merge } from 'rxjs';

import { Backend } from './backend';
import { LiveLink } from './live-link';
import { failed, Loadable, loaded, loading, notLoaded } from './loadable';
import { ExecutionSummary, ListedFiring, Pipeline } from './models';
import { readGraph } from './pipeline-graph-data';
import { describeProblem } from './problem';

interface PipelineState {
  id: string;
  pipeline: Loadable<Pipeline>;
  executions: Loadable<ExecutionSummary[]>;
  firings: Loadable<ListedFiring[]>;
}

const SHOWN = 25;

/** One pipeline with what it did: provided by the page that shows it, gone with it. */
export const PipelineStore = signalStore(
  withState<PipelineState>({ id: '', pipeline: notLoaded(), executions: notLoaded(), firings: notLoaded() }),
  withComputed(({ pipeline }) => ({ graph: computed(() => readGraph(pipeline().value?.config)) })),
  withMethods((store, backend = inject(Backend)) => {
    async function loadPipeline(id: string): Promise<void> {
      try {
        const pipeline = loaded(await backend.readPipeline(id));
        patchState(store, (state) => (state.id === id ? { pipeline } : {}));
      } catch (error) {
        patchState(store, { pipeline: failed(store.pipeline(), describeProblem('load the pipeline', error)) });
      }
    }

    async function loadExecutions(id: string): Promise<void> {
      try {
        const executions = loaded(await backend.listExecutions({ pipeline_id: id, limit: SHOWN }));
        patchState(store, (state) => (state.id === id ? { executions } : {}));
      } catch (error) {
        patchState(store, { executions: failed(store.executions(), describeProblem('load executions', error)) });
      }
    }

    async function loadFirings(id: string): Promise<void> {
      try {
        const firings = loaded(await backend.listFirings({ pipeline_id: id, limit: SHOWN }));
        patchState(store, (state) => (state.id === id ? { firings } : {}));
      } catch (error) {
        patchState(store, { firings: failed(store.firings(), describeProblem('load firings', error)) });
      }
    }

    async function load(): Promise<void> {
      const id = store.id();
      await Promise.all([loadPipeline(id), loadExecutions(id), loadFirings(id)]);
    }

    return {
      load,
      async open(id: string): Promise<void> {
        patchState(store, {
          id,
          pipeline: loading(notLoaded()),
          executions: loading(notLoaded()),
          firings: loading(notLoaded()),
        });
        await load();
      },
    };
  }),
  withHooks({
    onInit(store, link = inject(LiveLink), destroyed = inject(DestroyRef)) {
      const own = link.events.pipe(filter(({ pipeline_id }) => pipeline_id === store.id()));
      merge(own, link.polls, link.resumes)
        .pipe(
          filter(() => store.pipeline().loadedAt !== undefined),
          auditTime(400),
          takeUntilDestroyed(destroyed),
        )
        .subscribe(() => void store.load());
    },
  }),
);
