/**
 * Discographies from Yandex Music and coordinates from the Yandex geocoder. Both are extras: each call has seconds, and
 * nothing waits for them longer.
 */
import { z } from 'zod';
import { UpstreamError } from '#core/errors.ts';
import type { UpstreamHttp } from '#core/upstream-http.ts';

const albums = z.object({ result: z.object({ albums: z.array(z.object({ id: z.union([z.number(), z.string()]), title: z.string(), year: z.number().int().nullish(), trackCount: z.number().int().nullish(), type: z.string().nullish() })) }) });
/** `pos` is longitude and latitude, in this order. */
const places = z.object({ response: z.object({ GeoObjectCollection: z.object({ featureMember: z.array(z.object({ GeoObject: z.object({ Point: z.object({ pos: z.string() }) }) })) }) }) });

export const album = z.object({ id: z.string(), title: z.string(), year: z.number().nullable(), trackCount: z.number().nullable() });
export type Album = z.infer<typeof album>;
export const coordinates = z.object({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) });
export type Coordinates = z.infer<typeof coordinates>;

type Options = { readonly music: { readonly http: UpstreamHttp; readonly api: string; readonly token: string } | null; readonly geocoder: { readonly http: UpstreamHttp; readonly api: string; readonly apiKey: string; readonly language: string } | null; readonly signal: AbortSignal };
export type YandexClient = ReturnType<typeof createYandexClient>;

/** For all tries of a call together. */
export const patienceMs = 3_000;
const mostAlbums = 50;

export const createYandexClient = ({ music, geocoder, signal }: Options) => {
  const limited = () => AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  return {
    /** Newest first; null for an artist that Yandex Music does not know, undefined where it is not set up. */
    async discography(artistId: string): Promise<readonly Album[] | null | undefined> {
      if (music === null) return undefined;
      const url = `${music.api.replace(/\/+$/, '')}/artists/${encodeURIComponent(artistId)}/direct-albums?page=0&page-size=${mostAlbums}&sort-by=year`;
      const answer = await music.http.request({ url, headers: { authorization: `OAuth ${music.token}` }, accept: [404], timeoutMs: patienceMs, signal: limited() });
      if (answer.status === 404) return null;
      return parse(albums, answer.json, 'Yandex Music').result.albums.map(({ id, title, year, trackCount }) => ({ id: String(id), title, year: year ?? null, trackCount: trackCount ?? null }));
    },
    /** Null for an address that is not found, undefined where the geocoder is not set up. */
    async coordinates(address: string): Promise<Coordinates | null | undefined> {
      if (geocoder === null) return undefined;
      const url = new URL(geocoder.api);
      for (const [name, value] of Object.entries({ apikey: geocoder.apiKey, geocode: address, format: 'json', results: '1', lang: geocoder.language })) url.searchParams.set(name, value);
      const answer = await geocoder.http.request({ url, timeoutMs: patienceMs, signal: limited() });
      const [first] = parse(places, answer.json, 'the geocoder').response.GeoObjectCollection.featureMember;
      if (!first) return null;
      const [longitude, latitude] = first.GeoObject.Point.pos.split(' ').map(Number);
      return parse(coordinates, { latitude, longitude }, 'the geocoder');
    },
  };
};

const parse = <T>(schema: z.ZodType<T>, json: unknown, who: string): T => {
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  throw new UpstreamError('shape', `The answer of ${who} is not as documented.`, {});
};
