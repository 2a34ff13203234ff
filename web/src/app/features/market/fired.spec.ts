import { ListedFiring } from '../../data/models';
import { anExecution } from '../../testing/samples';
import { firedOf } from './fired';

describe('firedOf', () => {
  it('shows a firing that both know once, newest first', () => {
    const execution = anExecution({ id: 'e', firing_id: 'a', fired_ms: 5 });
    const firing = { firing_id: 'b', symbol: 'AAPL', ts_ms: 3, execution_id: null } as ListedFiring;
    const both = { ...firing, firing_id: 'a', ts_ms: 5 };
    expect(firedOf([firing, both], [execution]).map(({ id, executionId }) => [id, executionId])).toEqual([
      ['a', 'e'],
      ['b', null],
    ]);
  });
});
