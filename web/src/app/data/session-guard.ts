import { inject } from '@angular/core';
import { CanActivateFn, Router } from '@angular/router';

import { SessionStore } from './session.store';

/** Lets in who is logged in; others go to the login, which leads back here. */
export const sessionGuard: CanActivateFn = async (_route, state) => {
  const session = inject(SessionStore);
  const router = inject(Router);
  return (await session.restore()) || router.createUrlTree(['/login'], { queryParams: { next: state.url } });
};
