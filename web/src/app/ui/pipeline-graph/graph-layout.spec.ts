import { PipelineNode } from '../../data/models';
import { BOX, layOut } from './graph-layout';

function node(id: string): PipelineNode {
  return { id, agent_type: 'bias_agent', config: {} };
}

describe('layOut', () => {
  it('puts a node behind all that it needs', () => {
    const edges = [
      { from: 'a', to: 'b' },
      { from: 'a', to: 'c' },
      { from: 'b', to: 'd' },
      { from: 'a', to: 'd' },
    ];
    const { boxes, wires } = layOut(['a', 'b', 'c', 'd'].map(node), edges);
    const x = Object.fromEntries(boxes.map((box) => [box.node.id, box.x]));
    expect(x['a']).toBe(0);
    expect(x['b']).toBe(x['c']);
    expect(x['d']).toBeGreaterThan(x['b'] ?? 0);
    expect(wires.length).toBe(4);
  });

  it('ends on a cycle and on an edge to nowhere', () => {
    const edges = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'a' },
      { from: 'b', to: 'x' },
    ];
    expect(layOut(['a', 'b'].map(node), edges).wires.length).toBe(2);
    expect(layOut([], [])).toEqual({ boxes: [], wires: [], width: 0, height: 0 });
    expect(layOut([node('a')], []).width).toBe(BOX.width);
  });
});
