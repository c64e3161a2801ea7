/** How a client says who it is: `Authorization: Bearer IPK_…` or `x-api-key`, at every door. */
import { UnauthenticatedError } from '#core/errors.ts';
import type { Viewer } from '#core/viewer.ts';

/** Answers the viewer of a credential, the public viewer for null; throws UnauthenticatedError for one that is not valid. */
export type Identify = (credential: string | null) => Promise<Viewer>;

/** Header names are looked up without regard to case, as WebSocket clients write `connectionParams` by hand. */
export const credentialIn = (fields: Readonly<Record<string, unknown>>): string | null => {
  const names = Object.keys(fields);
  const find = (wanted: string): unknown => fields[names.find((name) => name.length === wanted.length && name.toLowerCase() === wanted) ?? wanted];
  const authorization = find('authorization');
  const key = find('x-api-key');
  for (const [field, value] of [['authorization', authorization], ['x-api-key', key]] as const) {
    if (value !== undefined && (typeof value !== 'string' || value === '')) throw new UnauthenticatedError(`\`${field}\` must be one text.`, { field });
  }
  if (typeof authorization === 'string') {
    const bearer = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (!bearer) throw new UnauthenticatedError('`authorization` must be `Bearer <key>`.', { field: 'authorization' });
    return bearer;
  }
  return typeof key === 'string' ? key : null;
};
