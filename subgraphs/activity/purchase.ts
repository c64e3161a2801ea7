/** What an activity's parameters tell of money. */
import type { Parameters } from './parameters.ts';
import type { Mistake } from './domain.ts';

/** Exact: a decimal as text, and an ISO 4217 code. */
export type Purchase = { readonly orderId: string; readonly amount: string; readonly currency: string };
/** At most one is not null; both are where nothing is told of a price. */
export type PurchaseReading = { readonly purchase: Purchase | null; readonly problem: Mistake | null };

const nothing: PurchaseReading = { purchase: null, problem: null };
const refuse = (code: string, field: string, message: string): PurchaseReading => ({ purchase: null, problem: { code, field: `parameters.${field}`, message } });

/**
 * A purchase has `order_id`, `price` and `currency`. A price alone is none: shops also tell what somebody looked at, with
 * its price, and counting that as income would be worse than asking for the order.
 */
export const readPurchase = (parameters: Parameters): PurchaseReading => {
  const [order, price, currency] = [own(parameters, 'order_id'), own(parameters, 'price'), own(parameters, 'currency')];
  if (price === undefined && (order === undefined || currency === undefined)) return nothing;
  if (price === undefined) return refuse('PRICE_MISSING', 'price', 'An order with a currency has no price; it is not recorded as a purchase.');
  const amount = readAmount(price);
  if (amount === null) return refuse('PRICE_INVALID', 'price', 'A price is a number that is not negative, with at most 15 digits, or such a decimal as text, with at most 15 digits before the point and 8 behind it. It is not recorded as a purchase.');
  const code = readCurrency(currency);
  if (code === null) return refuse('CURRENCY_INVALID', 'currency', 'A price needs the ISO 4217 code of its currency, such as EUR. It is not recorded as a purchase.');
  const orderId = readOrder(order);
  if (orderId === null) return refuse('ORDER_ID_INVALID', 'order_id', 'A price without the order_id of an order, a text of 1 to 200 characters or a whole number, is not recorded as a purchase.');
  return { purchase: { orderId, amount, currency: code }, problem: null };
};

/** Null says as much as leaving it out. */
const own = (parameters: Parameters, name: string): unknown => (Object.hasOwn(parameters, name) ? (parameters[name] ?? undefined) : undefined);

const decimalText = /^\d{1,15}(\.\d{1,8})?$/;
/** What a number of JSON keeps exactly (IEEE 754-2019, 5.12.2: 15 significant decimal digits). */
const exactDigits = 15;

/** JavaScript writes the shortest decimal that is this number: with so few digits it is the one that was sent. */
const isExact = (price: number): boolean => decimalText.test(String(price)) && String(price).replace(/\D/g, '').replace(/^0+/, '').length <= exactDigits;

/** Null for what is no exact amount: it is told on as text, and nothing is calculated with it. */
const readAmount = (price: unknown): string | null => {
  if (typeof price === 'number') return isExact(price) ? String(price) : null;
  return typeof price === 'string' && decimalText.test(price) ? price.replace(/^0+(?=\d)/, '') : null;
};

const currencies = new Set(Intl.supportedValuesOf('currency'));
const readCurrency = (currency: unknown): string | null => {
  const code = typeof currency === 'string' ? currency.toUpperCase() : '';
  return currencies.has(code) ? code : null;
};

const readOrder = (order: unknown): string | null => {
  if (typeof order === 'number') return Number.isSafeInteger(order) ? String(order) : null;
  return typeof order === 'string' && order.length >= 1 && order.length <= 200 && order.isWellFormed() ? order : null;
};
