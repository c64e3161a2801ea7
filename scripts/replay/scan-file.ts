/**
 * A file of badge scans: CSV with the columns `session`, `participant`, `institution`, `type` and `at` in any order.
 *
 * Which rows count: every `join` row is one check-in, also one that repeats another letter by letter (a reader that
 * stutters wrote two scans, and two rows are in the file). Whoever is scanned more often than once is one participant.
 * So the check-ins of a session are its `join` rows, and its attendees the distinct participants in them.
 */
import { InputError } from '#core/errors.ts';
import { instantOf } from './local-time.ts';

export type Scan = {
  readonly session: string;
  readonly participant: string;
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly at: number;
};

export type SessionCount = { readonly checkIns: number; readonly attendees: number };

const columns = ['session', 'participant', 'type', 'at'] as const;

/** Fields of one CSV line (RFC 4180, without line breaks inside quotes). Undefined: a quote that is not closed. */
export const splitCsvLine = (line: string): string[] | undefined => {
  const fields: string[] = [];
  let rest = line;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(,|$)/.exec(rest);
    const match = quoted ?? /^([^",]*)(,|$)/.exec(rest);
    if (!match) return undefined;
    fields.push(quoted ? (match[1] ?? '').replaceAll('""', '"') : (match[1] ?? ''));
    if (match[2] === '') return fields;
    rest = rest.slice(match[0].length);
  }
};

/** Throws an InputError that names the line. Lines without anything in them are passed over. */
export const parseScans = (text: string, zone: string): Scan[] => {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = splitCsvLine(lines[0] ?? '') ?? [];
  const places = columns.map((column) => {
    const place = header.indexOf(column);
    if (place === -1) throw new InputError('SCAN_FILE_INVALID', 'line 1', `The file has no column ${column}; its first line must name ${columns.join(', ')}.`);
    return place;
  });
  return lines.slice(1).flatMap((line, index) => {
    if (line.trim() === '') return [];
    const where = `line ${index + 2}`;
    const fields = splitCsvLine(line);
    const [session, participant, type, local] = places.map((place) => fields?.[place] ?? '');
    if (!fields || fields.length !== header.length || !session || !participant || !type || !local) throw new InputError('SCAN_FILE_INVALID', where, `${where} does not have the ${header.length} fields of the first line.`);
    const at = instantOf(local, zone);
    if (at === undefined) throw new InputError('SCAN_FILE_INVALID', where, `${where} has ${JSON.stringify(local)} where a local time such as 2019-05-06T08:30:28 belongs.`);
    return [{ session, participant, type, at }];
  });
};

/** What the graph must show for each session that anybody joined. */
export const countSessions = (scans: readonly Scan[]): Map<string, SessionCount> => {
  const seen = new Map<string, { checkIns: number; participants: Set<string> }>();
  for (const { session, participant, type } of scans) {
    if (type !== 'join') continue;
    const count = seen.get(session) ?? { checkIns: 0, participants: new Set<string>() };
    count.checkIns += 1;
    count.participants.add(participant);
    seen.set(session, count);
  }
  return new Map([...seen].map(([session, { checkIns, participants }]) => [session, { checkIns, attendees: participants.size }]));
};
