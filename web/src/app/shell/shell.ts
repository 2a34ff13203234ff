import { afterNextRender, Component, computed, DestroyRef, ElementRef, inject, viewChild } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { NavigationEnd, Router, RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { filter } from 'rxjs';

import { ExecutionsStore } from '../data/executions.store';
import { HealthStore } from '../data/health.store';
import { LiveLink } from '../data/live-link';
import { PipelinesStore } from '../data/pipelines.store';
import { SessionStore } from '../data/session.store';
import { Icon, IconName } from '../ui/icon';
import { StateMark } from '../ui/state-mark';
import { HealthDialog } from './health-dialog';
import { HealthStrip } from './health-strip';
import { KeyHelp } from './key-help';
import { LinkChip } from './link-chip';
import { PageTitle } from './page-title';
import { Palette } from './palette';
import { moveRow } from './row-keys';
import { isTypingIn, KeyReader } from './shortcuts';

interface Place {
  path: string;
  name: string;
  icon: IconName;
  keys: string;
}

const PLACES: readonly Place[] = [
  { path: '/dashboard', name: 'Dashboard', icon: 'market', keys: 'g d' },
  { path: '/pipelines', name: 'Pipelines', icon: 'pipelines', keys: 'g p' },
  { path: '/executions', name: 'Executions', icon: 'executions', keys: 'g e' },
  { path: '/reports', name: 'Reports', icon: 'reports', keys: 'g r' },
  { path: '/billing', name: 'Billing', icon: 'billing', keys: 'g b' },
];

/** What stands around every page: navigation, top bar, the state of link and platform, keys. */
@Component({
  selector: 'tw-shell',
  imports: [
    HealthDialog,
    HealthStrip,
    Icon,
    KeyHelp,
    LinkChip,
    Palette,
    RouterLink,
    RouterLinkActive,
    RouterOutlet,
    StateMark,
  ],
  templateUrl: './shell.html',
  styleUrl: './shell.css',
  host: { '(document:keydown)': 'press($event)' },
})
export class Shell {
  private readonly router = inject(Router);
  private readonly link = inject(LiveLink);
  private readonly health = inject(HealthStore);
  private readonly executions = inject(ExecutionsStore);
  private readonly pipelines = inject(PipelinesStore);
  private readonly keys = new KeyReader();
  private readonly main = viewChild.required<ElementRef<HTMLElement>>('main');
  private readonly palette = viewChild.required(Palette);
  private readonly help = viewChild.required(KeyHelp);

  protected readonly session = inject(SessionStore);
  protected readonly title = inject(PageTitle).current;
  protected readonly places = PLACES;
  protected readonly running = computed(() => this.executions.running().length);
  protected readonly platform = computed(() => {
    if (this.link.state() === 'offline') {
      return { state: 'waiting', text: 'Not known while offline' };
    }
    const troubles = this.health.troubles().length;
    const parts = this.health.parts().length;
    if (parts === 0) {
      return { state: 'waiting', text: 'Platform' };
    }
    return troubles
      ? { state: 'degraded', text: `${troubles} of ${parts} parts in trouble` }
      : { state: 'ok', text: `All ${parts} parts work` };
  });

  constructor() {
    const destroyed = inject(DestroyRef);
    this.link.start();
    void this.pipelines.load();
    void this.executions.load();
    this.link.rejections.pipe(takeUntilDestroyed(destroyed)).subscribe(() => void this.readmit());
    destroyed.onDestroy(() => this.link.stop());

    let isFirst = true;
    this.router.events
      .pipe(
        filter((event) => event instanceof NavigationEnd),
        takeUntilDestroyed(destroyed),
      )
      .subscribe((event) => {
        const path = event.urlAfterRedirects.split('?')[0];
        if (!isFirst && path !== this.lastPath) {
          this.focusMain();
        }
        isFirst = false;
        this.lastPath = path;
      });
    afterNextRender(() => this.main().nativeElement.focus({ preventScroll: true }));
  }

  private lastPath: string | undefined;

  protected focusMain(): void {
    const main = this.main().nativeElement;
    main.focus({ preventScroll: true });
    main.scrollTop = 0;
  }

  protected search(): void {
    this.palette().show();
  }

  protected async logOut(): Promise<void> {
    await this.session.logOut();
    await this.router.navigateByUrl('/login');
  }

  protected press(event: KeyboardEvent): void {
    const isOverlaid = document.querySelector('dialog[open]') !== null;
    const pressed = this.keys.read(event, isTypingIn(event.target) || isOverlaid, event.timeStamp);
    if (pressed && this.carryOut(pressed)) {
      event.preventDefault();
    }
  }

  private carryOut(pressed: string): boolean {
    const place = PLACES.find(({ keys }) => keys === pressed);
    if (place) {
      void this.router.navigateByUrl(place.path);
      return true;
    }
    switch (pressed) {
      case 'Ctrl K':
      case '/':
        this.palette().show();
        return true;
      case '?':
        this.help().show();
        return true;
      case 'j':
        return moveRow(this.main().nativeElement, 1);
      case 'k':
        return moveRow(this.main().nativeElement, -1);
      default:
        return false;
    }
  }

  /** The socket does not know the session: renew it and connect again, or log in. */
  private async readmit(): Promise<void> {
    this.link.stop();
    if (await this.session.renew()) {
      this.link.start();
    } else {
      this.session.forget();
      await this.router.navigate(['/login'], { queryParams: { next: this.router.url } });
    }
  }
}
