/** What a ticketing platform knows, in memory: its resources, each with the time of its last change. */
import { Refused } from './refused.ts';

export type Money = { readonly amount: string; readonly currency: string };
type Changing = { readonly id: string; readonly updatedAt: string; readonly deletedAt: string | null };

export type Artist = Changing & { readonly name: string; readonly genre: string | null; readonly yandexMusicId: string | null };
export type Venue = Changing & { readonly name: string; readonly address: string; readonly capacity: number | null };
export type PlatformEvent = Changing & { readonly name: string; readonly type: string | null; readonly startsAt: string; readonly endsAt: string | null; readonly timezone: string; readonly region: string | null; readonly organizer: string | null; readonly public: boolean; readonly venueId: string | null; readonly artistIds: readonly string[] };
export type Ticket = Changing & { readonly eventId: string; readonly category: string; readonly seat: string | null; readonly price: Money; readonly status: 'available' | 'reserved' | 'sold' };
export type Booking = Changing & { readonly eventId: string; readonly ticketIds: readonly string[]; readonly reference: string | null; readonly status: 'reserved' | 'confirmed' | 'cancelled' | 'expired'; readonly total: Money; readonly expiresAt: string; readonly createdAt: string };
export type CheckIn = Changing & { readonly eventId: string; readonly ticketId: string; readonly bookingId: string; readonly direction: 'entry' | 'exit'; readonly gate: string | null; readonly at: string };

export type Resources = { artists: Artist; venues: Venue; events: PlatformEvent; tickets: Ticket; bookings: Booking; 'check-ins': CheckIn };
export type Kind = keyof Resources;
export const kinds: readonly Kind[] = ['artists', 'venues', 'events', 'tickets', 'bookings', 'check-ins'];

export type Change = { readonly kind: Kind; readonly resource: Resources[Kind] };

export type World = {
  readonly now: () => number;
  of<K extends Kind>(kind: K): ReadonlyMap<string, Resources[K]>;
  /** Throws a Refused where there is none, or it was deleted. */
  find<K extends Kind>(kind: K, id: string): Resources[K];
  /** Writes a new or changed resource and tells of it. Times of change never go back and are never equal. */
  put<K extends Kind>(kind: K, resource: Omit<Resources[K], 'updatedAt' | 'deletedAt'> & { readonly deletedAt?: string | null }): Resources[K];
  remove(kind: Kind, id: string): void;
  newId(prefix: string): string;
};

export const createWorld = (now: () => number, changed: (change: Change) => void): World => {
  const tables = Object.fromEntries(kinds.map((kind) => [kind, new Map()])) as { [K in Kind]: Map<string, Resources[K]> };
  // A platform that starts anew gives no id that it gave before.
  const born = now().toString(36);
  let ids = 0;
  let lastChange = 0;
  const stamp = (): string => new Date((lastChange = Math.max(now(), lastChange + 1))).toISOString();
  const world: World = {
    now,
    of: (kind) => tables[kind],
    find(kind, id) {
      const found = tables[kind].get(id);
      if (!found || found.deletedAt !== null) throw new Refused(404, 'not_found', `There is no such ${kind.slice(0, -1)}.`);
      return found;
    },
    put(kind, resource) {
      const written = { deletedAt: null, ...resource, updatedAt: stamp() } as unknown as Resources[typeof kind];
      tables[kind].set(written.id, written);
      changed({ kind, resource: written });
      return written;
    },
    remove(kind, id) {
      world.put(kind, { ...world.find(kind, id), deletedAt: new Date(now()).toISOString() } as never);
    },
    newId: (prefix) => `${prefix}-${born}-${++ids}`,
  };
  return world;
};
