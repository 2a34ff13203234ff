import { isTypingIn, KeyReader } from './shortcuts';

function stroke(key: string, ctrlKey = false) {
  return { key, ctrlKey, metaKey: false, altKey: false };
}

describe('KeyReader', () => {
  it('reads sequences that are quick enough', () => {
    const keys = new KeyReader();
    expect(keys.read(stroke('g'), false, 0)).toBeUndefined();
    expect(keys.read(stroke('d'), false, 500)).toBe('g d');
    expect(keys.read(stroke('g'), false, 1000)).toBeUndefined();
    expect(keys.read(stroke('d'), false, 5000)).toBe('d');
  });

  it('leaves single keys to the field one types in, and takes Ctrl K anywhere', () => {
    const keys = new KeyReader();
    expect(keys.read(stroke('?'), true, 0)).toBeUndefined();
    expect(keys.read(stroke('?'), false, 0)).toBe('?');
    expect(keys.read(stroke('K', true), true, 0)).toBe('Ctrl K');
    expect(keys.read(stroke('c', true), false, 0)).toBeUndefined();
  });

  it('knows fields', () => {
    expect(isTypingIn(document.createElement('input'))).toBe(true);
    expect(isTypingIn(document.createElement('button'))).toBe(false);
    expect(isTypingIn(null)).toBe(false);
  });
});
