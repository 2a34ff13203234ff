import { ListedFiring } from '../../data/models';
import { anExecution } from '../../testing/samples';
import { firedOf } from './fired';

describe('firedOf', () => {
  it('counts a firing that both know once', () => {
    const execution = anExecution({ firing_id: 'a', fired_ms: 5 });
    const firing = { firing_id: 'b', symbol: 'AAPL', ts_ms: 3, execution_id: null } as ListedFiring;
    const both = { ...firing, firing_id: 'a', ts_ms: 5, symbol: execution.symbol };
    expect(firedOf([firing, both], [execution])).toEqual([
      { id: 'b', symbol: 'AAPL', ts_ms: 3, hasStarted: false },
      { id: 'a', symbol: execution.symbol, ts_ms: 5, hasStarted: true },
    ]);
  });
});
