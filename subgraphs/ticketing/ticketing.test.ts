import { describe, expect, test } from 'vitest';
import { publicViewer, type Viewer } from '#core/viewer.ts';
import { viewerOf } from '#core/testing-hub.ts';
import { type TestTicketing, manager, start } from './test-ticketing.ts';

const event = async (it: TestTicketing, fields: string, viewer: Viewer = publicViewer, ids: readonly string[] = ['autumn-quartet']) => {
  const answer = await it.ask<{ _entities: (Record<string, unknown> | null)[] }>(`query ($r: [_Any!]!) { _entities(representations: $r) { ... on TicketedEvent { ${fields} } } }`, viewer, { r: ids.map((id) => ({ __typename: 'TicketedEvent', id })) });
  return { entities: answer.data._entities, errors: answer.errors };
};
const codes = (userErrors: readonly { readonly code: string; readonly field: string | null }[]) => userErrors.map(({ code, field }) => [code, field]);
const errorsOnly = 'userErrors { code field message }';

describe('a ticketed event', () => {
  test('shows who performs where, and what can be had', async () => {
    await using it = await start();
    const { entities: [shown], errors } = await event(it, 'artists { name } ticketVenue { name address capacity } availability { category total available } tickets(first: 2) { totalCount edges { node { id category seat status price { amount currency } } } pageInfo { hasNextPage } }');
    expect(errors).toEqual([]);
    expect(shown).toMatchObject({
      artists: [{ name: 'Quartet of the North' }], ticketVenue: { name: 'Small Hall', capacity: 400 }, availability: [{ category: 'Stalls', total: 40, available: 40 }, { category: 'Standing', total: 10, available: 10 }],
      tickets: { totalCount: 50, pageInfo: { hasNextPage: true }, edges: [{ node: { id: 'autumn-quartet-s1', category: 'Stalls', seat: '1-1', status: 'AVAILABLE', price: { amount: '1990.50', currency: 'RUB' } } }, {}] },
    });
  });
  test('shows a reserved seat as reserved at once, and can be asked for what is free', async () => {
    await using it = await start();
    await it.reserve(['autumn-quartet-s1'], 'a');
    const { entities: [shown] } = await event(it, 'availability { available } free: tickets(available: true, category: "Stalls") { totalCount } taken: tickets(available: false) { edges { node { id status } } }');
    expect(shown).toEqual({ availability: [{ available: 39 }, { available: 10 }], free: { totalCount: 39 }, taken: { edges: [{ node: { id: 'autumn-quartet-s1', status: 'RESERVED' } }] } });
  });
  test('that is public is everybody’s, and another is not there for who may not see it', async () => {
    await using it = await start();
    const see = async (viewer: Viewer) => (await event(it, 'id availability { total }', viewer, ['autumn-quartet', 'closed-reading'])).entities.map((shown) => shown?.id ?? null);
    expect(await see(publicViewer)).toEqual(['autumn-quartet', null]);
    expect(await see(viewerOf([], ['closed-reading']))).toEqual(['autumn-quartet', 'closed-reading']);
    const names = async (viewer: Viewer) => (await it.ask<{ ticketArtists: { edges: { node: { name: string } }[] } }>('{ ticketArtists { edges { node { name } } } }', viewer)).data.ticketArtists.edges.map(({ node }) => node.name);
    expect(await names(viewerOf(['read_events'], []))).toEqual(['Quartet of the North', 'Trio Amber']);
    expect(await names(manager)).toEqual(['A. Reader', 'Quartet of the North', 'Trio Amber']);
  });
  test('costs as many statements among three as alone', async () => {
    await using it = await start();
    const cost = async (ids: readonly string[]) => {
      const before = it.statements();
      await event(it, 'artists { name } ticketVenue { name } availability { available } tickets(first: 5) { totalCount edges { node { id } } }', manager, ids);
      return it.statements() - before;
    };
    const alone = await cost(['autumn-quartet']);
    expect(await cost(['autumn-quartet', 'amber-night', 'closed-reading'])).toBe(alone);
  });
});

describe('extras', () => {
  const extras = 'artists { name discography { title year } } ticketVenue { name coordinates { latitude longitude } }';

  test('come from Yandex Music and the geocoder once, and are kept', async () => {
    await using it = await start();
    for (let times = 0; times < 2; times += 1) {
      const { entities: [shown], errors } = await event(it, extras);
      expect(errors).toEqual([]);
      expect(shown).toEqual({ artists: [{ name: 'Quartet of the North', discography: [{ title: 'Northern Lights', year: 2023 }, { title: 'First Snow', year: 2019 }] }], ticketVenue: { name: 'Small Hall', coordinates: { latitude: 55.756_21, longitude: 37.605_01 } } });
    }
    expect([it.music.requests.length, it.geocoder.requests.length]).toEqual([1, 1]);
  });
  test.each(['status-500', 'html', 'half-json', 'wrong-shape', 'hang'] as const)('of a service that is away (%s) are null with a code, and the rest is there', async (day) => {
    await using it = await start();
    it.music.misbehave(day);
    const { entities: [shown], errors } = await event(it, extras);
    expect(shown).toMatchObject({ artists: [{ name: 'Quartet of the North', discography: null }], ticketVenue: { name: 'Small Hall', coordinates: { latitude: 55.756_21 } } });
    expect(errors).toMatchObject([{ code: expect.stringMatching(/^UPSTREAM_(STATUS|NOT_JSON|SHAPE|TIMEOUT)$/) as string, path: ['_entities', 0, 'artists', 0, 'discography'] }]);
    it.music.misbehave('none');
  });
  test('of a service that is not set up are null, and there as soon as it is', async () => {
    await using it = await start({ settings: { music: null } });
    expect(await event(it, extras)).toMatchObject({ entities: [{ artists: [{ discography: null }] }], errors: [] });
    await it.sql('update hub.services set settings = settings || $1::jsonb', [JSON.stringify({ music: it.settings.music })]);
    expect(await event(it, extras)).toMatchObject({ entities: [{ artists: [{ discography: [{}, {}] }] }], errors: [] });
    // A cache that fails costs a call and no value.
    const fails = () => Promise.reject(new Error('the cache is away'));
    Object.assign(it.hub, { cache: { get: fails, set: fails, delete: fails } });
    expect(await event(it, extras)).toMatchObject({ entities: [{ artists: [{ discography: [{}, {}] }], ticketVenue: { coordinates: {} } }], errors: [] });
  });
  test('are served as they were while the service is away, for a week', async () => {
    await using it = await start();
    await event(it, extras);
    it.music.misbehave('status-500');
    it.advance(25 * 3_600_000);
    const { entities: [shown], errors } = await event(it, extras);
    expect([shown, errors]).toMatchObject([{ artists: [{ discography: [{ title: 'Northern Lights' }, {}] }] }, []]);
    expect(it.music.requests.length).toBeGreaterThan(1);
  });
  test('of twenty artists cost a bounded number of calls, and those left over come when asked again', async () => {
    const many = Array.from({ length: 20 }, (_, number) => `${2_000 + number}`);
    await using it = await start({ plan: (now) => ({ artists: many.map((id) => ({ id, name: `Artist ${id}`, yandexMusicId: id })), venues: [{ id: 'v', name: 'V', address: 'nowhere' }], events: [{ id: 'many', name: 'Many', start: new Date(now.getTime() + 3_600_000), hours: 1, timezone: 'UTC', venueId: 'v', artistIds: many, public: true, seats: 0, places: 1, price: '1.00', currency: 'RUB' }] }) });
    for (const id of many) it.music.artists.set(id, []);
    const first = await event(it, 'artists { discography { title } }', publicViewer, ['many']);
    expect([it.music.requests.length, new Set(first.errors.map(({ code }) => code))]).toEqual([12, new Set(['UPSTREAM_RATE_LIMITED'])]);
    expect((await event(it, 'artists { discography { title } }', publicViewer, ['many'])).errors).toEqual([]);
    expect(it.music.requests.length).toBe(20);
  });
});

describe('changes', () => {
  test('of artists, venues, events and tickets are made at the platform, and are in the graph when the mutation answers', async () => {
    await using it = await start();
    const { artist } = await it.act<{ artist: { id: string; name: string } }>('createArtist', 'CreateArtistInput', { serviceId: it.serviceId, name: 'Newcomer' }, manager, `artist { id name } ${errorsOnly}`);
    const { venue } = await it.act<{ venue: { id: string } }>('createTicketVenue', 'CreateTicketVenueInput', { serviceId: it.serviceId, name: 'Barn', address: 'Field 1', capacity: 30 }, manager, `venue { id name } ${errorsOnly}`);
    const { event: made } = await it.act<{ event: { id: string } }>('createTicketedEvent', 'CreateTicketedEventInput', { serviceId: it.serviceId, name: 'Barn Night', start: '2024-07-01T18:00:00Z', timezone: 'Europe/Moscow', public: true, venueId: venue.id, artistIds: [artist.id] }, manager, `event { id } ${errorsOnly}`);
    const { ticket } = await it.act<{ ticket: { id: string } }>('createTicket', 'CreateTicketInput', { eventId: made.id, category: 'Hay', price: { amount: '100.00', currency: 'RUB' } }, manager, `ticket { id status } ${errorsOnly}`);
    const show = async () => (await event(it, 'artists { name } ticketVenue { name } tickets { edges { node { id price { amount } } } }', publicViewer, [made.id])).entities[0];
    expect(await show()).toEqual({ artists: [{ name: 'Newcomer' }], ticketVenue: { name: 'Barn' }, tickets: { edges: [{ node: { id: ticket.id, price: { amount: '100.00' } } }] } });
    await it.act('updateArtist', 'UpdateArtistInput', { id: artist.id, name: 'Known' }, manager, `artist { name } ${errorsOnly}`);
    await it.act('updateTicketVenue', 'UpdateTicketVenueInput', { id: venue.id, name: 'Great Barn' }, manager, `venue { name } ${errorsOnly}`);
    await it.act('updateTicket', 'UpdateTicketInput', { eventId: made.id, ticketId: ticket.id, price: { amount: '90.00', currency: 'RUB' } }, manager, `ticket { id } ${errorsOnly}`);
    expect(await show()).toEqual({ artists: [{ name: 'Known' }], ticketVenue: { name: 'Great Barn' }, tickets: { edges: [{ node: { id: ticket.id, price: { amount: '90.00' } } }] } });
    expect(await it.act('deleteTicket', 'DeleteTicketInput', { eventId: made.id, ticketId: ticket.id }, manager, `deletedId ${errorsOnly}`)).toMatchObject({ deletedId: ticket.id });
    expect(await it.act('deleteArtist', 'DeleteArtistInput', { id: artist.id }, manager, `deletedId ${errorsOnly}`)).toMatchObject({ deletedId: artist.id });
    expect(await show()).toMatchObject({ artists: [], tickets: { edges: [] } });
    expect(await it.act('updateTicketedEvent', 'UpdateTicketedEventInput', { eventId: made.id, name: 'Barn Day' }, manager, `event { id } ${errorsOnly}`)).toMatchObject({ event: { id: made.id } });
    expect(await it.sql('select name from events.events where id = $1', [made.id])).toEqual([{ name: 'Barn Day' }]);
    await it.act('deleteTicketedEvent', 'DeleteTicketedEventInput', { eventId: made.id }, manager, `deletedId ${errorsOnly}`);
    expect((await event(it, 'id', publicViewer, [made.id])).entities).toEqual([null]);
    await it.pull();
    expect((await event(it, 'id', publicViewer, [made.id])).entities).toEqual([null]);
  });
  test('that the platform refuses are answered with code and field, and change nothing', async () => {
    await using it = await start();
    const refused = async (name: string, type: string, input: object) => codes((await it.act<{ userErrors: { code: string; field: string | null }[] }>(name, type, input, manager, errorsOnly)).userErrors);
    expect(await refused('createArtist', 'CreateArtistInput', { serviceId: it.serviceId, name: '' })).toEqual([['INPUT_INVALID', 'input.name']]);
    expect(await refused('createArtist', 'CreateArtistInput', { serviceId: 'nothing', name: 'x' })).toEqual([['SERVICE_NOT_FOUND', 'input.serviceId']]);
    expect(await refused('updateArtist', 'UpdateArtistInput', { id: `${it.serviceId}:nothing`, name: 'x' })).toEqual([['NOT_FOUND', null]]);
    expect(await refused('updateArtist', 'UpdateArtistInput', { id: 'nothing', name: 'x' })).toEqual([['NOT_FOUND', 'input.id']]);
    expect(await refused('updateTicketedEvent', 'UpdateTicketedEventInput', { eventId: 'autumn-quartet', venueId: 'other:hall' })).toEqual([['OTHER_SERVICE', 'input.venueId']]);
    expect(await refused('createTicket', 'CreateTicketInput', { eventId: 'autumn-quartet', category: 'x', price: { amount: '-1', currency: 'RUB' } })).toEqual([['PRICE_INVALID', 'input.price.amount']]);
    await it.reserve(['autumn-quartet-s1'], 'a');
    expect(await refused('deleteTicket', 'DeleteTicketInput', { eventId: 'autumn-quartet', ticketId: 'autumn-quartet-s1' })).toEqual([['CONFLICT', 'input.ticketId']]);
    expect(await refused('deleteTicketedEvent', 'DeleteTicketedEventInput', { eventId: 'autumn-quartet' })).toEqual([['CONFLICT', null]]);
    await it.ingest.administration.pause(it.serviceId, null);
    expect(await refused('createArtist', 'CreateArtistInput', { serviceId: it.serviceId, name: 'x' })).toEqual([['SERVICE_PAUSED', 'input.serviceId']]);
  });
  test('need the permission, and a key for the event, or for all where they are about more than one', async () => {
    await using it = await start();
    const rename = (viewer: Viewer, eventId = 'amber-night') => it.act('updateTicketedEvent', 'UpdateTicketedEventInput', { eventId, name: 'X' }, viewer, `event { id } ${errorsOnly}`);
    await expect(rename(viewerOf(['read_events', 'book_tickets']))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(rename(publicViewer)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await rename(viewerOf(['manage_tickets'], ['autumn-quartet']))).toMatchObject({ event: null, userErrors: [{ code: 'EVENT_NOT_FOUND' }] });
    await expect(it.act('createArtist', 'CreateArtistInput', { serviceId: it.serviceId, name: 'X' }, viewerOf(['manage_tickets'], ['autumn-quartet']), errorsOnly)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const setup = async (viewer: Viewer) => (await it.ask<{ ticketingSetup: { notificationUrl: string } | null }>('query ($id: ID!) { ticketingSetup(serviceId: $id) { notificationUrl } }', viewer, { id: it.serviceId })).data?.ticketingSetup ?? null;
    expect(await setup(manager)).toEqual({ notificationUrl: it.notificationUrl });
    expect([await setup(viewerOf(['manage_services'], ['autumn-quartet'])), await setup(viewerOf(['read_events']))]).toEqual([null, null]);
  });
});
