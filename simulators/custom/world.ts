/**
 * What the venue desk knows. Its words are its own, and are told in three shapes: tables of columns and rows, objects by
 * number, and plain lists.
 *
 * Glossary
 * - happening: what others call an event, by its `ref`.
 * - pass: lets its holder in; `void` when it was taken back.
 * - scan: a pass at a door, `in` or `out`.
 */
export type Happening = { readonly ref: string; label: string; /** Seconds since 1970. */ readonly from: number; readonly till: number | null; readonly zone: string; readonly hall: string };
export type Pass = { readonly no: number; readonly ref: string; readonly holder: string; state: 'ok' | 'void'; /** ISO 8601. */ changed: string };
export type Scan = { readonly n: number; readonly ref: string; readonly pass: number; /** Milliseconds since 1970. */ readonly t: number; readonly dir: 'in' | 'out'; readonly door: string };
export type Door = { readonly id: string; readonly ref: string; readonly title: string; open: boolean };

export type World = {
  readonly happenings: Happening[];
  readonly passes: Pass[];
  readonly scans: Scan[];
  readonly doors: Door[];
  addHappening(happening: Partial<Happening> & { readonly ref: string }): Happening;
  sell(ref: string, holder: string): Pass;
  takeBack(pass: Pass): void;
  scan(pass: Pass, dir?: Scan['dir'], door?: string): Scan;
};

export const createWorld = (now: () => number): World => {
  const [happenings, passes, scans, doors]: [Happening[], Pass[], Scan[], Door[]] = [[], [], [], []];
  const stamp = () => new Date(now()).toISOString();
  return {
    happenings,
    passes,
    scans,
    doors,
    addHappening(wanted) {
      const begin = Math.floor(now() / 1000) - 3600;
      const happening = { label: `The ${wanted.ref}`, from: begin, till: begin + 36_000, zone: 'Europe/Oslo', hall: 'Old hall', ...wanted };
      happenings.push(happening);
      doors.push({ id: `${happening.ref}/north`, ref: happening.ref, title: 'North door', open: true });
      return happening;
    },
    sell(ref, holder) {
      const pass: Pass = { no: passes.length + 1, ref, holder, state: 'ok', changed: stamp() };
      passes.push(pass);
      return pass;
    },
    takeBack(pass) {
      pass.state = 'void';
      pass.changed = stamp();
    },
    scan(pass, dir = 'in', door = `${pass.ref}/north`) {
      const scan: Scan = { n: scans.length + 1, ref: pass.ref, pass: pass.no, t: now(), dir, door };
      scans.push(scan);
      return scan;
    },
  };
};

/** Rows as each list tells them, with the time that a row changed last. */
export const listsOf = (world: World): Readonly<Record<string, readonly { readonly row: object; readonly ref: string; readonly changed: number }[]>> => ({
  happenings: world.happenings.map((each) => ({ row: [each.ref, each.label, each.from, each.till, each.zone, each.hall], ref: each.ref, changed: 0 })),
  passes: world.passes.map((each) => ({ row: each, ref: each.ref, changed: Date.parse(each.changed) })),
  scans: world.scans.map((each) => ({ row: { ...each, t: each.t }, ref: each.ref, changed: each.t })),
  doors: world.doors.map((each) => ({ row: each, ref: each.ref, changed: 0 })),
});

/** The body around the rows of a list; `more` names the next page, for those who page by a cursor. */
export const bodyOf = (list: string, rows: readonly object[], more: string | null): unknown => {
  switch (list) {
    case 'happenings':
      return { table: { columns: ['ref', 'label', 'from', 'till', 'zone', 'hall'], rows }, more: { token: more } };
    case 'passes':
      return { passes: Object.fromEntries(rows.map((row) => [`no ${(row as Pass).no}`, row])), more: { token: more } };
    case 'scans':
      return { answer: { scans: rows }, more: { token: more } };
    default:
      return rows;
  }
};
