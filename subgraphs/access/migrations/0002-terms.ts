import { sqlMigration } from '#core/migrations.ts';

/** Keys from before were made for free text and knew no budget: they keep that. */
export const terms = sqlMigration(
  'access/0002-terms',
  `alter table access.api_keys
    add column tier text not null default 'internal',
    add column documents text not null default 'any'`,
  `alter table access.api_keys
    alter column tier drop default,
    alter column documents drop default`,
);
