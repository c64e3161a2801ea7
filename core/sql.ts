/** Plain SQL, for batch writes and for reads that no object mapping would make clearer. */
import type { EntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';

/** Runs one SQL statement with `$1` parameters (arrays included) in the unit of work's transaction, if it has one. */
export const query = async <Row = Record<string, unknown>>(em: EntityManager, text: string, values: readonly unknown[] = []): Promise<Row[]> => {
  const result = await em.getKysely().executeQuery(CompiledQuery.raw(text, [...values]));
  return result.rows as Row[];
};

