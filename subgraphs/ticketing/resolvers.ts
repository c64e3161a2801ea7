import type { Connection } from '#core/pagination.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { pushToken } from '#core/secrets.ts';
import { Service } from '#core/services.ts';
import { globalId } from './domain.ts';
import type { Booking } from './domain-booking.ts';
import type { Resolvers } from './generated/types.ts';
import { bookingMutations, bookingQueries } from './resolvers-bookings.ts';
import { manageMutations } from './resolvers-manage.ts';
import { type Artist, type Loaders, type Ticket, type Venue, listArtists, listVenues } from './store.ts';

export type Context = SubgraphContext<Loaders>;
export type TicketedEventParent = { readonly id: string };
export type ArtistParent = Artist;
export type TicketVenueParent = Venue;
export type TicketParent = Ticket;
export type BookingParent = Booking;
export type ArtistConnectionParent = Connection<Artist>;
export type TicketVenueConnectionParent = Connection<Venue>;
export type TicketConnectionParent = Connection<Ticket>;
export type BookingConnectionParent = Connection<Booking>;

const isThere = <T>(value: T | null): value is T => value !== null;
const ticketStates = { available: 'AVAILABLE', reserved: 'RESERVED', sold: 'SOLD' } as const;

/** Null for events that the viewer may not see, or that the platform has not told of yet. */
const visible = ({ id }: TicketedEventParent, { loaders }: Context) => loaders.events.load(id);

export const resolvers: Resolvers = {
  Query: {
    ticketArtists: (_parent, args, { em, viewer }) => listArtists(em, viewer, args),
    ticketVenues: (_parent, args, { em, viewer }) => listVenues(em, viewer, args),
    ...bookingQueries,
    async ticketingSetup(_parent, { serviceId }, { em, hub, viewer }) {
      const service = viewer.events === 'all' ? await em.findOne(Service, { id: serviceId, product: 'ticketing' }) : null;
      return service && { notificationUrl: `${hub.publicUrl}/ingest/${service.id}?token=${pushToken(hub.secrets.decrypt(service.pushSecret))}` };
    },
  },
  Mutation: { ...manageMutations, ...bookingMutations },
  TicketedEvent: {
    __resolveReference: async ({ id }, context) => ((await visible({ id }, context)) ? { id } : null),
    async artists(event, _args, context) {
      const row = await visible(event, context);
      if (!row) return null;
      return (await Promise.all(row.artistIds.map((id) => context.loaders.artists.load({ serviceId: row.serviceId, id })))).filter(isThere);
    },
    async ticketVenue(event, _args, context) {
      const row = await visible(event, context);
      return row?.venueId ? context.loaders.venues.load({ serviceId: row.serviceId, id: row.venueId }) : null;
    },
    tickets: async (event, args, context) => ((await visible(event, context)) ? context.loaders.tickets(args).load(event.id) : null),
    availability: async (event, _args, context) => ((await visible(event, context)) ? context.loaders.availability.load(event.id) : null),
  },
  Artist: {
    id: ({ serviceId, id }) => globalId(serviceId, id),
    discography: ({ serviceId, yandexMusicId }, _args, { loaders }) => (yandexMusicId === null ? null : loaders.discographies.load({ serviceId, artistId: yandexMusicId })),
  },
  TicketVenue: {
    id: ({ serviceId, id }) => globalId(serviceId, id),
    coordinates: ({ serviceId, address }, _args, { loaders }) => loaders.coordinates.load({ serviceId, address }),
  },
  Ticket: { price: ({ amount, currency }) => ({ amount, currency }), status: ({ status }) => ticketStates[status] },
  Booking: {
    event: ({ eventId }) => ({ id: eventId }),
    tickets: async ({ eventId, ticketIds }, _args, { loaders }) => (await Promise.all(ticketIds.map((id) => loaders.ticket.load({ eventId, id })))).filter(isThere),
    total: ({ amount, currency }) => (amount !== null && currency !== null ? { amount, currency } : null),
    // Of one that is over, nobody is sent to pay.
    confirmationUrl: ({ state, confirmationUrl }) => (state === 'AWAITING_PAYMENT' ? confirmationUrl : null),
    refund: ({ refundStatus }) => refundStatus,
  },
  ArtistConnection: { totalCount: (connection) => connection.totalCount() },
  TicketVenueConnection: { totalCount: (connection) => connection.totalCount() },
  TicketConnection: { totalCount: (connection) => connection.totalCount() },
  BookingConnection: { totalCount: (connection) => connection.totalCount() },
};
