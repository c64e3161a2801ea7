import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPurchase } from './purchase.ts';

const order = { order_id: 'o-1', price: 19.9, currency: 'EUR' };
const problemOf = (parameters: Record<string, unknown>) => {
  const { purchase, problem } = readPurchase(parameters);
  return [purchase, problem?.code, problem?.field];
};

describe('a purchase', () => {
  test('has an order, a price and a currency', () => {
    expect(readPurchase(order)).toEqual({ purchase: { orderId: 'o-1', amount: '19.9', currency: 'EUR' }, problem: null });
    expect(readPurchase({ ...order, order_id: 17, currency: 'krw', price: '1990.50' }).purchase).toEqual({ orderId: '17', amount: '1990.50', currency: 'KRW' });
    for (const [price, amount] of [[0, '0'], [-0, '0'], [0.01, '0.01'], ['007.50', '7.50'], ['0', '0'], ['00.10', '0.10'], [999999999999999, '999999999999999']]) expect(readPurchase({ ...order, price }).purchase?.amount, String(price)).toBe(amount);
  });

  test('is not what tells nothing of a price', () => {
    for (const parameters of [{}, { order_id: 'o-1' }, { currency: 'EUR' }, { order_id: 'o-1', price: null }, { page: '/prices' }]) expect(readPurchase(parameters), JSON.stringify(parameters)).toEqual({ purchase: null, problem: null });
    expect(readPurchase(JSON.parse('{"__proto__": {"order_id": "o", "price": 1, "currency": "EUR"}}') as Record<string, unknown>)).toEqual({ purchase: null, problem: null });
  });

  test('that cannot be one says which parameter is at fault', () => {
    expect(problemOf({ price: 5, currency: 'EUR' })).toEqual([null, 'ORDER_ID_INVALID', 'parameters.order_id']);
    expect(problemOf({ order_id: 'o-1', currency: 'EUR' })).toEqual([null, 'PRICE_MISSING', 'parameters.price']);
    for (const price of ['', 'free', '1,50', '-1', -1, '1e3', ' 1', '1.', '.5', true, {}, [5], '1'.repeat(16), `1.${'1'.repeat(9)}`, 1e15, 1e-9, 0.1 + 0.2, 1234567890.1234567]) expect(problemOf({ ...order, price }), JSON.stringify(price)).toEqual([null, 'PRICE_INVALID', 'parameters.price']);
    for (const currency of [undefined, '', 'EURO', 'XXX1', 'AAA', 978, null]) expect(problemOf({ ...order, currency }), String(currency)).toEqual([null, 'CURRENCY_INVALID', 'parameters.currency']);
    for (const order_id of [null, '', 'x'.repeat(201), 1.5, {}, '\ud800']) expect(problemOf({ ...order, order_id }), JSON.stringify(order_id)).toEqual([null, 'ORDER_ID_INVALID', 'parameters.order_id']);
  });

  test('has exactly the amount that was sent, as a number or as text', () => {
    const cents = fc.integer({ min: 0, max: 10 ** 14 });
    fc.assert(
      fc.property(cents, fc.integer({ min: 0, max: 4 }), (units, scale) => {
        const exact = new Decimal(units).div(new Decimal(10).pow(scale));
        const asText = readPurchase({ ...order, price: exact.toFixed(scale) }).purchase;
        const asNumber = readPurchase({ ...order, price: JSON.parse(exact.toFixed(scale)) as number }).purchase;
        expect([asText?.amount, new Decimal(asNumber?.amount ?? NaN).eq(exact)]).toEqual([exact.toFixed(scale), true]);
      }),
    );
  });

  test('is read from anything without a fault', () => {
    fc.assert(
      fc.property(fc.record({ order_id: fc.jsonValue(), price: fc.jsonValue(), currency: fc.oneof(fc.constant('USD'), fc.jsonValue()) }, { requiredKeys: [] }), (parameters) => {
        const { purchase, problem } = readPurchase(parameters as Record<string, unknown>);
        expect(purchase === null || problem === null).toBe(true);
        expect(purchase?.amount ?? '0').toMatch(/^\d+(\.\d+)?$/);
      }),
    );
  });
});
