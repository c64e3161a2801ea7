/** One list in every style of paging: `/v0/{style}/{list}`, and of one happening `/v0/{style}/happenings/{ref}/{list}`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type World, bodyOf, listsOf } from './world.ts';

export const styles = ['whole', 'page', 'offset', 'cursor', 'link'] as const;
export type Style = (typeof styles)[number];

/** No page is larger, whatever is asked for. */
const mostRows = 50;

type Asked = { readonly from: number; readonly size: number; /** Of the page that begins there. */ readonly tokenAt: (from: number) => string };

const asked = (style: Style, query: URLSearchParams): Asked => {
  const size = style === 'whole' ? Number.MAX_SAFE_INTEGER : Math.min(mostRows, Math.max(1, Number(query.get('n') ?? 10)));
  const tokenAt = (from: number) => Buffer.from(`behind ${from}`).toString('base64url');
  const token = query.get('after');
  const from = { whole: 0, page: Number(query.get('p') ?? 1) * size - size, offset: Number(query.get('skip') ?? 0), cursor: token === null ? 0 : Number(Buffer.from(token, 'base64url').toString().slice(7)), link: Number(query.get('s') ?? 0) };
  return { from: from[style], size, tokenAt };
};

export const listRoutes = (app: FastifyInstance, world: World): void => {
  const answer = (request: FastifyRequest, reply: FastifyReply, given: URLSearchParams): unknown => {
    const { style, list = 'happenings', ref } = request.params as { style: Style; list?: string; ref?: string };
    const all = listsOf(world)[list];
    if (!all || !styles.includes(style)) return reply.code(404).send({ problem: 'no such list' });
    if (ref !== undefined && !world.happenings.some((each) => each.ref === ref)) return reply.code(404).send({ problem: 'no such happening' });
    const since = Date.parse(given.get('changed') ?? '1970-01-01T00:00:00Z');
    const wanted = all.filter((each) => (ref === undefined || each.ref === ref) && (each.changed === 0 || each.changed >= since)).map(({ row }) => row);
    const { from, size, tokenAt } = asked(style, given);
    const more = from + size < wanted.length;
    if (more && style === 'link') {
      const next = new URL(request.url, `http://${request.headers.host}`);
      next.searchParams.set('s', String(from + size));
      void reply.header('link', `<${next.href}>; rel="next", <${next.origin}/v0>; rel="up"`);
    }
    return reply.send(bodyOf(list, wanted.slice(from, from + size), more && style === 'cursor' ? tokenAt(from + size) : null));
  };
  const inQuery = (request: FastifyRequest) => new URL(request.url, 'http://desk').searchParams;
  const inBody = (request: FastifyRequest) => new URLSearchParams(Object.entries(request.body as object).map(([name, value]): [string, string] => [name, String(value)]));
  for (const path of ['/v0/:style/:list', '/v0/:style/happenings/:ref/:list']) {
    app.get(path, (request, reply) => answer(request, reply, inQuery(request)));
    app.post(path, (request, reply) => answer(request, reply, inBody(request)));
  }
};
