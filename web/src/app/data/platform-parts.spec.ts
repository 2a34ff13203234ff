import { readParts, sentencesOf, troublesOf } from './platform-parts';

const HEALTH = {
  parts: [
    { name: 'kafka', title: 'Kafka', status: 'ok', latency_ms: 1.24, sentence: 'answers' },
    { name: 'redis', title: 'Redis', status: 'down', latency_ms: null, sentence: 'Redis is away: triggers go on' },
  ],
  processes: [
    { name: 'worker', title: 'Worker', state: 'starting', sentence: 'Redis is away: triggers go on', detail: '' },
    { name: 'ingest', title: 'Ingest', state: 'ok', sentence: 'at work', detail: '12 trades a second' },
    { name: 'beat', title: '', state: 'missing', sentence: '', detail: '' },
  ],
};

describe('readParts', () => {
  it('reads neighbours and processes alike', () => {
    expect(readParts(HEALTH).map(({ title, state, detail }) => [title, state, detail])).toEqual([
      ['Kafka', 'ok', 'answers in 1.2 ms'],
      ['Redis', 'down', ''],
      ['Worker', 'starting', ''],
      ['Ingest', 'ok', '12 trades a second'],
      ['beat', 'missing', ''],
    ]);
    expect(readParts(null)).toEqual([]);
  });
});

describe('troubles', () => {
  it('come worst first and are said once, as sentences', () => {
    const troubles = troublesOf(readParts(HEALTH));
    expect(troubles.map(({ name }) => name)).toEqual(['redis', 'beat', 'worker']);
    expect(sentencesOf(troubles)).toEqual(['Redis is away: triggers go on.', 'Beat is missing.']);
  });
});
