import { computed, inject } from '@angular/core';
import { patchState, signalStore, withComputed, withMethods, withState } from '@ngrx/signals';

import { Backend } from './backend';
import { LiveLink } from './live-link';
import { User } from './models';

interface SessionState {
  user: User | undefined;
  isKnown: boolean;
}

/** Who is logged in. The session itself is an httpOnly cookie that the page never sees. */
export const SessionStore = signalStore(
  { providedIn: 'root' },
  withState<SessionState>({ user: undefined, isKnown: false }),
  withComputed(({ user }) => ({ isLoggedIn: computed(() => user() !== undefined) })),
  withMethods((store, backend = inject(Backend), link = inject(LiveLink)) => {
    let renewing: Promise<boolean> | undefined;

    async function askRenewal(): Promise<boolean> {
      try {
        await backend.renewSession();
        return true;
      } catch {
        return false;
      } finally {
        renewing = undefined;
      }
    }

    return {
      /** Renews the session by its refresh cookie, once for all calls that found it ended. Returns whether it lives. */
      renew(): Promise<boolean> {
        renewing ??= askRenewal();
        return renewing;
      },

      /** Asks the server once who we are. Returns whether somebody is logged in. */
      async restore(): Promise<boolean> {
        if (!store.isKnown() && !hasLoginCookie()) {
          patchState(store, { isKnown: true });
        }
        if (!store.isKnown()) {
          try {
            patchState(store, { user: await backend.readMe(), isKnown: true });
          } catch {
            patchState(store, { user: undefined, isKnown: true });
          }
        }
        return store.isLoggedIn();
      },

      /** Throws what the server refused with. */
      async logIn(email: string, password: string): Promise<void> {
        patchState(store, { user: await backend.logIn(email, password), isKnown: true });
      },

      async logOut(): Promise<void> {
        link.stop();
        try {
          await backend.logOut();
        } finally {
          patchState(store, { user: undefined, isKnown: true });
        }
      },

      /** The server does not know the session any more. */
      forget(): void {
        link.stop();
        patchState(store, { user: undefined, isKnown: true });
      },
    };
  }),
);

/** Whether somebody logged in with this browser: the readable companion of the session's cookie tells. */
function hasLoginCookie(): boolean {
  return /(^|; )XSRF-TOKEN=/.test(document.cookie);
}
