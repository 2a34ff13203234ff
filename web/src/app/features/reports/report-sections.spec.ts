import { sectionsOf, stepsOf } from './report-sections';

const REPORT = {
  state: {
    user_id: 'u',
    risk: { approved: true },
    trigger: { condition: 'price crosses above 64000' },
    trade: null,
    market_data: { timeframes: { '1m': { ohlcv: { close: '2' }, indicators: {}, candles: [] } } },
  },
  steps: [{ node_id: 'bias', agent_type: 'bias_agent', status: 'completed', runtime_ms: 140, cost_usd: '3.6E-7' }],
};

describe('sectionsOf', () => {
  it('tells the chapters in order and leaves out what there was not', () => {
    expect(sectionsOf(REPORT).map(({ title }) => title)).toEqual(['Why it fired', 'Risk', 'Market']);
    expect(sectionsOf(REPORT)[2]?.value).toEqual({ timeframes: [{ timeframe: '1m', close: '2', volume: null }] });
    expect(sectionsOf(null)).toEqual([]);
  });
});

describe('stepsOf', () => {
  it('says what each step cost', () => {
    expect(stepsOf(REPORT)).toMatchObject([{ name: 'Bias', took: '140 ms', cost: '<$0.0001', tokens: 0 }]);
    expect(stepsOf({})).toEqual([]);
  });
});
