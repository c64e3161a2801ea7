/** Reads supergraph.yaml, the one list of subgraphs, in Rover's format. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigError } from './errors.ts';

const listSchema = z.object({
  federation_version: z.string().optional(),
  subgraphs: z.record(z.string().regex(/^[a-z][a-z0-9-]*$/), z.object({ routing_url: z.string().min(1), schema: z.object({ file: z.string().min(1) }) })),
});

export type ListedSubgraph = { readonly name: string; readonly routingUrl: string; readonly schemaFile: string };

/** `SUBGRAPH_EVENTS_URL` overrides the routing URL of `events`, so that one list serves every deployment. */
export const routingVariable = (name: string): string => `SUBGRAPH_${name.toUpperCase().replaceAll('-', '_')}_URL`;

export const readSupergraphList = (file: string, env: Readonly<Record<string, string | undefined>> = {}): ListedSubgraph[] => {
  const parsed = listSchema.safeParse(parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new ConfigError(`${file} is not a list of subgraphs: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`);
  return Object.entries(parsed.data.subgraphs).map(([name, { routing_url, schema }]) => ({ name, routingUrl: env[routingVariable(name)] || routing_url, schemaFile: schema.file }));
};
