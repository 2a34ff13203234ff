import {
  afterNextRender,
  Component,
  computed,
  DestroyRef,
  effect,
  ElementRef,
  inject,
  input,
  signal,
  untracked,
  viewChild,
} from '@angular/core';
import {
  CandlestickSeries,
  ColorType,
  createChart,
  createSeriesMarkers,
  CrosshairMode,
  HistogramSeries,
  IChartApi,
  ISeriesApi,
  ISeriesMarkersPluginApi,
  LineSeries,
  LineStyle,
  TickMarkType,
  Time,
} from 'lightweight-charts';

import { Candle } from '../../data/models';
import { formatClock, formatNumber, formatPrice, formatUtc, formatVolume, pricePlaces } from '../format';
import { firingPoints, inOrder, panesOf, toBar, toChartTime, toPoint, toVolume } from './chart-data';

const LINE_COLOURS = ['#f0b90b', '#b48cff', '#4dd0e1', '#ff9a4d', '#8bc34a', '#f48fb1'];
/** The candles' pane is this many times as high as one below it. */
const PRICE_SHARE = 3.2;

interface Palette {
  ground: string;
  line: string;
  text: string;
  control: string;
  accent: string;
  up: string;
  down: string;
}

/**
 * Candles that grow while one looks: history once, then the forming candle by updates. Indicator lines and the
 * firings are drawn over them. A picture to readers, with its values as a table behind a button of the page.
 */
@Component({
  selector: 'tw-candle-chart',
  templateUrl: './candle-chart.html',
  styleUrl: './candle-chart.css',
})
export class CandleChart {
  /** What the picture shows, for readers: "BTCUSDT, 1m candles". */
  readonly label = input.required<string>();
  /** Closed candles, any order. */
  readonly candles = input.required<readonly Candle[]>();
  /** The candle that is not closed yet. */
  readonly forming = input<Candle>();
  /** Columns of the candles' values to draw. */
  readonly lines = input<readonly string[]>([]);
  readonly firings = input<readonly { ts_ms: number }[]>([]);

  private readonly destroyed = inject(DestroyRef);
  private readonly host = viewChild.required<ElementRef<HTMLElement>>('host');
  private readonly chart = signal<IChartApi | undefined>(undefined);
  private readonly hoveredAt = signal<number | undefined>(undefined);
  private readonly ordered = computed(() => inOrder(this.candles()));

  private palette: Palette | undefined;
  private bars: ISeriesApi<'Candlestick'> | undefined;
  private volumes: ISeriesApi<'Histogram'> | undefined;
  private markers: ISeriesMarkersPluginApi<Time> | undefined;
  private readonly drawn = new Map<string, ISeriesApi<'Line'>>();
  private newest = 0;

  /** The candle under the pointer, else the latest. */
  private readonly shown = computed<Candle | undefined>(() => {
    const at = this.hoveredAt();
    const forming = this.forming();
    if (at === undefined || at === forming?.ts_ms) {
      return forming ?? this.ordered().at(-1);
    }
    return this.ordered().find(({ ts_ms }) => ts_ms === at);
  });

  protected readonly legend = computed(() => {
    const candle = this.shown();
    const places = pricePlaces(candle?.close);
    return {
      at: candle ? formatClock(candle.ts_ms) : '',
      utc: formatUtc(candle?.ts_ms),
      prices: (['open', 'high', 'low', 'close'] as const).map((name) => ({
        name: name.charAt(0).toUpperCase(),
        title: name,
        value: formatNumber(candle?.[name], places),
      })),
      volume: formatVolume(candle?.volume),
      lines: this.lines().map((column, index) => ({
        column,
        colour: LINE_COLOURS[index % LINE_COLOURS.length],
        value: candle?.values[column] == null ? 'warming' : formatNumber(candle.values[column], 2),
      })),
    };
  });

  /** Whether the key of the firing marks is needed. */
  protected readonly hasFirings = computed(() => this.firings().length > 0);

  /** How many candles are drawn; tests and screenshots wait for it. */
  protected readonly count = computed(() => this.ordered().length);

  constructor() {
    afterNextRender(() => this.create());
    effect(() => this.drawHistory());
    effect(() => this.drawForming(this.forming()));
    effect(() => this.drawFirings());
  }

  private create(): void {
    const host = this.host().nativeElement;
    const palette = readPalette(host);
    this.palette = palette;
    const chart = createChart(host, { ...chartOptions(palette), width: host.clientWidth, height: host.clientHeight });
    this.followSize(chart, host);
    this.bars = chart.addSeries(CandlestickSeries, {
      upColor: palette.up,
      downColor: palette.down,
      wickUpColor: palette.up,
      wickDownColor: palette.down,
      borderVisible: false,
      priceLineColor: palette.control,
    });
    this.volumes = chart.addSeries(HistogramSeries, {
      priceScaleId: 'volume',
      priceFormat: { type: 'volume' },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    chart.priceScale('volume').applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    this.markers = createSeriesMarkers(this.bars, []);
    chart.subscribeCrosshairMove(({ time }) => this.hoveredAt.set(typeof time === 'number' ? time * 1000 : undefined));
    this.chart.set(chart);
  }

  /** Resizes in the next frame: the chart's own way resizes while sizes are being told, which browsers complain of. */
  private followSize(chart: IChartApi, host: HTMLElement): void {
    let frame = 0;
    const observer = new ResizeObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => chart.resize(host.clientWidth, host.clientHeight));
    });
    observer.observe(host);
    this.destroyed.onDestroy(() => {
      observer.disconnect();
      cancelAnimationFrame(frame);
      chart.remove();
    });
  }

  /** Draws everything anew: on another history or other lines, never for a trade. */
  private drawHistory(): void {
    const chart = this.chart();
    const candles = this.ordered();
    const columns = this.lines();
    if (!chart || !this.bars || !this.volumes || !this.palette) {
      return;
    }
    const isFirst = this.newest === 0 || (candles[0]?.ts_ms ?? 0) > this.newest || candles.length === 0;
    const places = pricePlaces(candles.at(-1)?.close);
    this.bars.applyOptions({ priceFormat: { type: 'price', precision: places, minMove: 10 ** -places } });
    this.bars.setData(candles.map(toBar));
    this.volumes.setData(candles.map((candle) => toVolume(candle, this.volumeColours())));
    this.drawLines(chart, candles, columns);
    this.newest = candles.at(-1)?.ts_ms ?? 0;
    if (isFirst && candles.length > 0) {
      chart.timeScale().setVisibleLogicalRange({ from: candles.length - 100, to: candles.length + 5 });
    }
    this.drawForming(untracked(this.forming));
  }

  private drawLines(chart: IChartApi, candles: readonly Candle[], columns: readonly string[]): void {
    for (const [column, series] of this.drawn) {
      if (!columns.includes(column)) {
        chart.removeSeries(series);
        this.drawn.delete(column);
      }
    }
    const panes = panesOf(columns);
    columns.forEach((column, index) => {
      const pane = panes.get(column) ?? 0;
      const series = this.drawn.get(column) ?? chart.addSeries(LineSeries, LINE_OPTIONS, pane);
      series.applyOptions({ color: LINE_COLOURS[index % LINE_COLOURS.length] });
      series.setData(candles.map((candle) => toPoint(candle, column)));
      this.drawn.set(column, series);
    });
    chart.panes().forEach((pane, index) => pane.setStretchFactor(index === 0 ? PRICE_SHARE : 1));
  }

  private drawForming(candle: Candle | undefined): void {
    if (!candle || !this.chart() || !this.bars || !this.volumes || candle.ts_ms < this.newest || this.newest === 0) {
      return;
    }
    this.newest = candle.ts_ms;
    this.bars.update(toBar(candle));
    this.volumes.update(toVolume(candle, this.volumeColours()));
    for (const [column, series] of this.drawn) {
      if (candle.values[column] != null) {
        series.update(toPoint(candle, column));
      }
    }
  }

  private drawFirings(): void {
    const firings = this.firings();
    const starts = this.ordered().map(({ ts_ms }) => ts_ms);
    const forming = untracked(this.forming);
    if (!this.chart() || !this.markers) {
      return;
    }
    if (forming && forming.ts_ms > (starts.at(-1) ?? Infinity)) {
      starts.push(forming.ts_ms);
    }
    this.markers.setMarkers(
      firingPoints(firings, starts).map(({ ts_ms, count }) => ({
        time: toChartTime(ts_ms),
        position: 'aboveBar',
        shape: 'circle',
        color: this.palette?.accent ?? '',
        text: count > 1 ? `×${count}` : '',
        size: 0.8,
      })),
    );
  }

  private volumeColours(): { up: string; down: string } {
    return { up: `${this.palette?.up ?? ''}40`, down: `${this.palette?.down ?? ''}40` };
  }
}

const LINE_OPTIONS = {
  lineWidth: 1,
  priceLineVisible: false,
  lastValueVisible: false,
  crosshairMarkerRadius: 3,
} as const;

function readPalette(element: HTMLElement): Palette {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    ground: token('--bg-1'),
    line: token('--line'),
    text: token('--fg-3'),
    control: token('--control'),
    accent: token('--accent'),
    up: token('--up'),
    down: token('--down'),
  };
}

function chartOptions(palette: Palette) {
  return {
    layout: {
      background: { type: ColorType.Solid, color: palette.ground },
      textColor: palette.text,
      fontFamily: 'Inter, system-ui, sans-serif',
      fontSize: 12,
      // The logo would bring a style of its own, which the page's policy refuses: notice and link stand below.
      attributionLogo: false,
      panes: { separatorColor: palette.line, separatorHoverColor: palette.line, enableResize: true },
    },
    grid: {
      vertLines: { color: `${palette.line}66` },
      horzLines: { color: `${palette.line}66` },
    },
    crosshair: {
      mode: CrosshairMode.Normal,
      vertLine: { color: palette.control, style: LineStyle.Dotted, labelBackgroundColor: palette.line },
      horzLine: { color: palette.control, style: LineStyle.Dotted, labelBackgroundColor: palette.line },
    },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.16, bottom: 0.2 } },
    timeScale: {
      borderVisible: false,
      timeVisible: true,
      secondsVisible: false,
      rightOffset: 5,
      tickMarkFormatter: tickMark,
    },
    localization: { priceFormatter: formatPrice, timeFormatter: crosshairTime },
  };
}

const tickFormats: Partial<Record<TickMarkType, Intl.DateTimeFormat>> = {
  [TickMarkType.Year]: new Intl.DateTimeFormat('en-GB', { year: 'numeric' }),
  [TickMarkType.Month]: new Intl.DateTimeFormat('en-GB', { month: 'short' }),
  [TickMarkType.DayOfMonth]: new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' }),
};
const tickClock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const crosshair = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

/** The axis speaks the user's zone; the chart by itself speaks UTC. */
function tickMark(time: Time, type: TickMarkType): string {
  return (tickFormats[type] ?? tickClock).format(Number(time) * 1000);
}

function crosshairTime(time: Time): string {
  return crosshair.format(Number(time) * 1000);
}
