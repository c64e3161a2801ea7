import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readConfig } from './config.ts';

const limits = (env: Record<string, string> = {}) => readConfig(env).limits;

/** Or the variable that is at fault. */
const budgetIn = (text: string): unknown => {
  try {
    return limits({ EVENTGRAPH_BUDGET_PUBLIC: text }).budgets.public;
  } catch (error) {
    return (error as { facts: { variable: string } }).facts.variable;
  }
};

describe('a budget', () => {
  test.each([
    ['10000/60s', { units: 10_000, seconds: 60 }],
    ['5/2m', { units: 5, seconds: 120 }],
    ['1/1h', { units: 1, seconds: 3600 }],
    ['unlimited', null],
  ])('%s', (text, budget) => {
    expect(limits({ EVENTGRAPH_BUDGET_PARTNER: text }).budgets.partner).toEqual(budget);
  });

  test.each(['0/60s', '10/0s', '10', '10/60', '-1/60s', '1e5/60s', 'Unlimited', '10/60s,5/1s'])('is not: %s', (text) => {
    expect(() => limits({ EVENTGRAPH_BUDGET_PUBLIC: text })).toThrow(expect.objectContaining({ facts: { variable: 'EVENTGRAPH_BUDGET_PUBLIC' } }));
  });

  test('is so many units in so many seconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999_999_999 }), fc.integer({ min: 1, max: 99_999 }), fc.constantFrom(...(['s', 'm', 'h'] as const)), (units, count, unit) => {
        expect(budgetIn(`${units}/${count}${unit}`)).toEqual({ units, seconds: count * { s: 1, m: 60, h: 3600 }[unit] });
      }),
    );
  });

  test('of any other text is refused, and the variable is named', () => {
    const part = fc.constantFrom('0', '1', '60', '007', '999999999999', '1000000000000', '/', 's', 'm', 'h', ' ', '-', '.', 'e', 'unlimited');
    fc.assert(
      fc.property(fc.oneof(fc.array(part, { maxLength: 5 }).map((parts) => parts.join('')), fc.string()), (text) => {
        fc.pre(text !== '' && text !== 'unlimited' && !/^\d+\/\d+[smh]$/.test(text));
        expect(budgetIn(text)).toBe('EVENTGRAPH_BUDGET_PUBLIC');
      }),
    );
  });

  test('is there for everybody from outside, unless configured otherwise', () => {
    const { public: none, partner, premium, internal } = limits().budgets;
    expect([none, partner, premium, internal]).toEqual([expect.any(Object), expect.any(Object), expect.any(Object), null]);
  });
});

describe('trusted proxies', () => {
  test.each([
    ['2', 2],
    ['10.0.0.0/8, 192.168.1.1', ['10.0.0.0/8', '192.168.1.1']],
    ['2001:db8::/32', ['2001:db8::/32']],
  ])('%s', (text, setting) => {
    expect(limits({ EVENTGRAPH_TRUST_PROXY: text }).doors.trustProxy).toEqual(setting);
  });

  test.each(['true', '10.0.0.0/33', 'balancer', '10.0.0.1,', '-1', '10.0.0.0/8/8'])('are not: %s', (text) => {
    expect(() => limits({ EVENTGRAPH_TRUST_PROXY: text })).toThrow(expect.objectContaining({ facts: { variable: 'EVENTGRAPH_TRUST_PROXY' } }));
  });

  test('are none unless configured', () => {
    expect(limits().doors.trustProxy).toBeUndefined();
  });
});
