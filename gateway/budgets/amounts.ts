/**
 * Amounts of cost: known when an operation is read, or depending on its variables. Whatever does not depend on them is
 * a number at once, so that an operation without variables that matter costs nothing to look at again.
 */
import type { Variables } from '../operations.ts';

export type Amount = number | ((variables: Variables) => number);

/** Nothing costs more: documents can multiply to numbers that no number holds. Whole numbers below it are exact, in Redis too. */
export const mostCost = 1e12;

const bounded = (value: number): number => Math.min(value, mostCost);

export const amountOf = (amount: Amount, variables: Variables): number => (typeof amount === 'number' ? amount : amount(variables));

const combined =
  (combine: (a: number, b: number) => number) =>
  (a: Amount, b: Amount): Amount =>
    typeof a === 'number' && typeof b === 'number' ? bounded(combine(a, b)) : (variables) => bounded(combine(amountOf(a, variables), amountOf(b, variables)));

export const times = combined((a, b) => a * b);
export const larger = combined(Math.max);

/** One function for all that vary, not one for each. */
export const sum = (amounts: readonly Amount[]): Amount => {
  let constant = 0;
  const varying: ((variables: Variables) => number)[] = [];
  for (const amount of amounts) {
    if (typeof amount === 'number') constant += amount;
    else varying.push(amount);
  }
  constant = bounded(constant);
  if (varying.length === 0) return constant;
  return (variables) => {
    let total = constant;
    for (const amount of varying) total += amount(variables);
    return bounded(total);
  };
};

/** The amount where the variables say so, otherwise nothing. */
export const when = (isTrue: ((variables: Variables) => boolean) | null, amount: Amount): Amount => (isTrue === null || amount === 0 ? amount : (variables) => (isTrue(variables) ? amountOf(amount, variables) : 0));
