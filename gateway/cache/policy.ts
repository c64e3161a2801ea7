/**
 * For how long an answer may be served again, and to whom, by the hints of all fields in it: the lowest `maxAge`, and
 * `PRIVATE` if any is. As Apollo Server has it ("Server-side caching", "Setting cache hints"): a root field, and a field
 * with objects, has 0 unless it, its type or (`inheritMaxAge`) its parent says otherwise; other fields have their parent's.
 */
import { type NamedType, isCompositeType } from '@apollo/federation-internals';
import type { AskedField } from './each-field.ts';
import type { Hint, Hints } from './hints.ts';

/** `maxAge` in seconds; 0: not to be kept. */
export type CachePolicy = { readonly maxAge: number; readonly isPrivate: boolean };

export class PolicyBuilder {
  #maxAge: number | undefined;
  #isPrivate = false;
  readonly #hints: Hints;

  constructor(hints: Hints) {
    this.#hints = hints;
  }

  get policy(): CachePolicy {
    return { maxAge: Math.max(0, this.#maxAge ?? 0), isPrivate: this.#isPrivate };
  }

  /** `above` is what holds the top fields: its hint stands in for what they do not say; null for the root. */
  add({ parent, name, returns, isTop }: AskedField, above: Hint | null): void {
    if (name === '__typename') return;
    if (!returns) return this.#restrict(0);
    const { maxAge, scope, inherits } = merged(this.#hints.fields.get(`${parent.name}.${name}`), this.#hintOf(returns));
    if (scope === 'PRIVATE' || (isTop && above?.scope === 'PRIVATE')) this.#isPrivate = true;
    if (maxAge !== undefined) this.#restrict(maxAge);
    else if (isCompositeType(returns) && !inherits) this.#restrict(0);
    else if (isTop) this.#restrict(above?.maxAge ?? 0);
  }

  #hintOf(type: NamedType): Hint | undefined {
    return isCompositeType(type) ? this.#hints.types.get(type.name) : undefined;
  }

  #restrict(maxAge: number): void {
    this.#maxAge = Math.min(this.#maxAge ?? Infinity, maxAge);
  }
}

type Merged = { readonly maxAge: number | undefined; readonly scope: Hint['scope'] | undefined; readonly inherits: boolean };

/** What a field says goes before what its type says. */
const merged = (field: Hint | undefined, type: Hint | undefined): Merged => ({
  maxAge: field?.inheritMaxAge && type?.maxAge === undefined ? undefined : (field?.maxAge ?? type?.maxAge),
  scope: field?.scope ?? type?.scope,
  inherits: field?.inheritMaxAge === true || type?.inheritMaxAge === true,
});
