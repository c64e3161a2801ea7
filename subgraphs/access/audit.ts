/** The audit log: written in the transaction of the change that it tells of. */
import type { EntityManager } from '#core/database.ts';
import { InputError } from '#core/errors.ts';
import { type Connection, type PageArguments, connectionOf, pageOf } from '#core/pagination.ts';
import { AuditEntry } from './entities.ts';

/** `details` never hold a secret. */
export type AuditFacts = { readonly at: Date; readonly actor: string | null; readonly action: string; readonly subject: string; readonly details: Record<string, unknown> };

export const audit = (em: EntityManager, entry: AuditFacts): void => {
  em.persist(em.create(AuditEntry, entry));
};

const serialOf = (part: string | number | undefined): bigint => {
  if (typeof part !== 'string' || !/^\d{1,18}$/.test(part)) throw new InputError('CURSOR_INVALID', 'after', 'This is not a cursor of this list.');
  return BigInt(part);
};

export const listAudit = async (em: EntityManager, args: PageArguments): Promise<Connection<AuditEntry>> => {
  const page = pageOf(args, 1);
  const rows = await em.find(AuditEntry, page.after ? { id: { $lt: serialOf(page.after[0]) } } : {}, { orderBy: { id: 'desc' }, limit: page.size + 1 });
  return connectionOf(rows, page, (row) => [String(row.id)], () => em.count(AuditEntry, {}));
};
