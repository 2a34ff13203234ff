import { Component } from '@angular/core';
import { RouterLink } from '@angular/router';

@Component({
  selector: 'tw-not-found',
  imports: [RouterLink],
  template: `
    <div class="page">
      <section class="panel">
        <div class="body">
          <h2>There is no such page.</h2>
          <p class="muted">The address may be mistyped, or what it named is gone.</p>
          <p><a class="link" routerLink="/dashboard">Go to the dashboard</a></p>
        </div>
      </section>
    </div>
  `,
})
export class NotFound {}
