/** Pages of a Relay connection as `Link` (RFC 8288): `first`, and `next` while there is one. */
export type PageInfo = { readonly hasNextPage?: unknown; readonly endCursor?: unknown };

/** Null where the answer has no such connection. `url`: path and query string as they were asked. */
export const linkHeader = (url: string, connection: unknown): string | null => {
  const page = (connection as { readonly pageInfo?: PageInfo } | null | undefined)?.pageInfo;
  if (!page) return null;
  const links = [`<${withAfter(url, null)}>; rel="first"`];
  if (page.hasNextPage === true && typeof page.endCursor === 'string') links.push(`<${withAfter(url, page.endCursor)}>; rel="next"`);
  return links.join(', ');
};

const withAfter = (url: string, cursor: string | null): string => {
  const [path = '', query = ''] = url.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.delete('after');
  if (cursor !== null) parameters.set('after', cursor);
  return parameters.size > 0 ? `${path}?${parameters}` : path;
};
