import { Component, computed, ElementRef, inject, signal, viewChild } from '@angular/core';
import { Router } from '@angular/router';

import { MarketStore } from '../data/market.store';
import { PipelinesStore } from '../data/pipelines.store';
import { shortSymbol } from '../ui/format';
import { Icon, IconName } from '../ui/icon';

interface Command {
  id: string;
  icon: IconName;
  text: string;
  hint: string;
  carryOut: () => unknown;
}

const SHOWN = 12;

/** Every command by name: go somewhere, open a pipeline, pause it, show a symbol. */
@Component({
  selector: 'tw-palette',
  imports: [Icon],
  templateUrl: './palette.html',
  styleUrl: './palette.css',
})
export class Palette {
  private readonly router = inject(Router);
  private readonly pipelines = inject(PipelinesStore);
  private readonly market = inject(MarketStore);
  private readonly dialog = viewChild.required<ElementRef<HTMLDialogElement>>('dialog');

  protected readonly wanted = signal('');
  protected readonly active = signal(0);

  private readonly all = computed<Command[]>(() => [
    this.goTo('Dashboard', '/dashboard', 'market', 'g d'),
    this.goTo('Pipelines', '/pipelines', 'pipelines', 'g p'),
    this.goTo('Executions', '/executions', 'executions', 'g e'),
    this.goTo('Reports', '/reports', 'reports', 'g r'),
    this.goTo('Billing', '/billing', 'billing', 'g b'),
    ...this.pipelines.all().map(({ id, name }) => this.goTo(name, `/pipelines/${id}`, 'pipelines', 'Pipeline')),
    ...this.pipelines.all().flatMap(({ id, name, state }) => this.verbs(id, name, state)),
    ...(this.market.symbols().value ?? []).map(({ symbol }) => this.showSymbol(symbol)),
  ]);

  protected readonly matches = computed(() => {
    const words = this.wanted().toLowerCase().split(/\s+/).filter(Boolean);
    const fits = ({ text, hint }: Command) => words.every((word) => `${text} ${hint}`.toLowerCase().includes(word));
    return this.all().filter(fits).slice(0, SHOWN);
  });
  protected readonly activeId = computed(() => this.matches()[this.active()]?.id ?? null);

  show(): void {
    this.wanted.set('');
    this.active.set(0);
    if (!this.dialog().nativeElement.open) {
      this.dialog().nativeElement.showModal();
    }
  }

  protected search(text: string): void {
    this.wanted.set(text);
    this.active.set(0);
  }

  protected press(event: KeyboardEvent): void {
    const count = this.matches().length;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      this.active.set(count ? (this.active() + step + count) % count : 0);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      this.carryOut(this.matches()[this.active()]);
    }
  }

  protected carryOut(command: Command | undefined): void {
    if (command) {
      this.dialog().nativeElement.close();
      command.carryOut();
    }
  }

  private goTo(text: string, path: string, icon: IconName, hint: string): Command {
    return { id: `go-${path.replaceAll('/', '-')}`, icon, text, hint, carryOut: () => this.router.navigateByUrl(path) };
  }

  private verbs(id: string, name: string, state: string): Command[] {
    const pause: Command = {
      id: `pause-${id}`,
      icon: 'pause',
      text: `Pause ${name}`,
      hint: 'Pipeline',
      carryOut: () => this.pipelines.pausePipeline(id),
    };
    const resume: Command = {
      id: `resume-${id}`,
      icon: 'play',
      text: `Resume ${name}`,
      hint: 'Pipeline',
      carryOut: () => this.pipelines.resumePipeline(id),
    };
    return state === 'active' ? [pause] : state === 'paused' ? [resume] : [];
  }

  private showSymbol(symbol: string): Command {
    return {
      id: `symbol-${symbol.replace(/\W/g, '-')}`,
      icon: 'market',
      text: shortSymbol(symbol),
      hint: symbol,
      carryOut: () => this.router.navigate(['/dashboard'], { queryParams: { symbol }, queryParamsHandling: 'merge' }),
    };
  }
}
