import { Directive, effect, ElementRef, inject, input } from '@angular/core';

const TINT_MS = 300;

/** Tints the ground behind a price for a moment when it moves; not at all for those who want no motion. */
@Directive({ selector: '[twPriceTint]' })
export class PriceTint {
  readonly twPriceTint = input<number | null>();
  private readonly element = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  private before: number | undefined;

  constructor() {
    effect(() => {
      const price = this.twPriceTint() ?? undefined;
      const { before } = this;
      this.before = price;
      if (price === undefined || before === undefined || price === before || !isMotionWanted()) {
        return;
      }
      const colour = price > before ? 'var(--up-soft)' : 'var(--down-soft)';
      this.element.animate([{ background: colour }, { background: 'transparent' }], { duration: TINT_MS });
    });
  }
}

function isMotionWanted(): boolean {
  return !window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}
