/**
 * Yandex Music (albums of an artist, as its clients know the API at api.music.yandex.net) and the Yandex geocoder
 * (https://yandex.com/maps-api/docs/geocoder-api/response.html).
 */
import { Refused } from './refused.ts';
import { type SimulatedServer, createSimulatedServer } from './simulated-server.ts';

export type Album = { readonly id: number; readonly title: string; readonly type: string | null; readonly year: number | null; readonly releaseDate: string | null; readonly trackCount: number; readonly genre: string | null };

export type YandexMusic = SimulatedServer & { readonly token: string; /** Albums by the artist's id. */ readonly artists: Map<string, readonly Album[]> };

const album = (id: number, title: string, year: number): Album => ({ id, title, type: null, year, releaseDate: `${year}-09-01T00:00:00+03:00`, trackCount: 10, genre: 'classical' });

/** `GET /artists/{id}/direct-albums?page=0&page-size=20&sort-by=year`, `Authorization: OAuth <token>`. */
export const createYandexMusic = async (options: { readonly port?: number; readonly token?: string } = {}): Promise<YandexMusic> => {
  const token = options.token ?? 'yandex-music-demo-token';
  const artists = new Map<string, readonly Album[]>([['1001', [album(1, 'First Snow', 2019), album(2, 'Northern Lights', 2023)]], ['1002', [album(3, 'Amber', 2021)]]]);
  const invocationInfo = { 'req-id': '1', hostname: 'simulator', 'exec-duration-millis': 1 };
  const server = await createSimulatedServer({
    port: options.port,
    admit(request, reply) {
      if (request.headers.authorization === `OAuth ${token}`) return true;
      void reply.code(401).send({ invocationInfo, error: { name: 'session-expired', message: 'Your OAuth token is expired' } });
      return false;
    },
    describe: (error) => ({ status: error instanceof Refused ? error.status : 400, body: { invocationInfo, error: { name: error instanceof Refused ? error.code : 'validate', message: String((error as Error).message) } } }),
    routes(app) {
      app.get('/artists/:id/direct-albums', (request) => {
        const { id } = request.params as { id: string };
        const query = request.query as { page?: string; 'page-size'?: string; 'sort-by'?: string };
        const all = artists.get(id);
        if (!all) throw new Refused(404, 'not-found', 'Artist not found');
        const [page, perPage] = [Number(query.page ?? 0), Number(query['page-size'] ?? 20)];
        const sorted = query['sort-by'] === 'year' ? all.toSorted((a, b) => (b.year ?? 0) - (a.year ?? 0)) : all;
        const albums = sorted.slice(page * perPage, (page + 1) * perPage).map((each) => ({ ...each, available: true, artists: [{ id: Number(id), name: `Artist ${id}` }], coverUri: `avatars.yandex.net/${each.id}/%%` }));
        return { invocationInfo, result: { pager: { page, perPage, total: all.length }, albums } };
      });
    },
  });
  return { ...server, token, artists };
};

export type Geocoder = SimulatedServer & { readonly apiKey: string; /** Longitude and latitude by address. */ readonly places: Map<string, readonly [number, number]> };

/** `GET /v1/?apikey=…&geocode=<address>&format=json`: the places found, each with `Point.pos` as `<longitude> <latitude>`. */
export const createGeocoder = async (options: { readonly port?: number; readonly apiKey?: string } = {}): Promise<Geocoder> => {
  const apiKey = options.apiKey ?? 'geocoder-demo-key';
  const places = new Map<string, readonly [number, number]>([['Moscow, Bolshaya Nikitskaya 13', [37.605_01, 55.756_21]], ['Saint Petersburg, Nevsky 35', [30.332_631, 59.934_172]]]);
  const fault = (statusCode: number, error: string, message: string) => ({ statusCode, error, message });
  const server = await createSimulatedServer({
    port: options.port,
    admit(request, reply) {
      if ((request.query as { apikey?: string }).apikey === apiKey) return true;
      void reply.code(403).send(fault(403, 'Forbidden', 'Invalid api key'));
      return false;
    },
    describe: (error) => ({ status: 400, body: fault(400, 'Bad Request', String((error as Error).message)) }),
    routes(app) {
      app.get('/v1/', (request, reply) => {
        const { geocode, results = '10', format } = request.query as { geocode?: string; results?: string; format?: string };
        if (!geocode) return reply.code(400).send(fault(400, 'Bad Request', 'Parameter geocode is required'));
        if (format !== 'json') return reply.type('application/xml').send('<?xml version="1.0"?><ymaps/>');
        const place = places.get(geocode);
        const found = place ? [{ GeoObject: tellPlace(geocode, place) }] : [];
        return reply.send({ response: { GeoObjectCollection: { metaDataProperty: { GeocoderResponseMetaData: { request: geocode, found: String(found.length), results } }, featureMember: found } } });
      });
    },
  });
  return { ...server, url: `${server.url}/v1/`, apiKey, places };
};

const tellPlace = (address: string, [longitude, latitude]: readonly [number, number]) => ({
  metaDataProperty: { GeocoderMetaData: { kind: 'house', text: address, precision: 'exact', Address: { country_code: 'RU', formatted: address, Components: [] } } },
  name: address, description: 'Russia',
  boundedBy: { Envelope: { lowerCorner: `${longitude - 0.01} ${latitude - 0.01}`, upperCorner: `${longitude + 0.01} ${latitude + 0.01}` } },
  Point: { pos: `${longitude} ${latitude}` },
});
