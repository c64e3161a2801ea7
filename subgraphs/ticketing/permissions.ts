import { needs } from '#core/permissions.ts';

const manage = needs('manage_tickets');
const book = needs('book_tickets');

export const permissions = {
  // Whose bookings a viewer gets is decided in the resolvers: its own, and all for an admin.
  Query: { ticketArtists: needs('read_events'), ticketVenues: needs('read_events'), booking: book, bookings: book, ticketingSetup: needs('manage_services') },
  Mutation: {
    ...{ createArtist: manage, updateArtist: manage, deleteArtist: manage, createTicketVenue: manage, updateTicketVenue: manage, deleteTicketVenue: manage },
    ...{ createTicketedEvent: manage, updateTicketedEvent: manage, deleteTicketedEvent: manage, createTicket: manage, updateTicket: manage, deleteTicket: manage },
    ...{ reserveTickets: book, payBooking: book, cancelBooking: book },
  },
};

/** The loader answers null for events that the viewer may not see: public ones are everybody's, which only the row tells. */
export const references = { TicketedEvent: () => true };
