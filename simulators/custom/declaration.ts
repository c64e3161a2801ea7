/** The venue desk as a service of the product `custom`: what a hub is told, so that it understands the desk. */
import type { Signing } from './webhooks.ts';

const paging = { style: 'page', parameter: 'p', sizeParameter: 'n', size: 50 };

const scan = `{'kind': 'checkIn', 'eventId': 'desk-' & ref, 'upstreamId': ref & '/' & n, 'participant': ref & '/' & pass, 'at': $fromMillis(t), 'direction': dir = 'in' ? 'ENTRY' : 'EXIT', 'gateId': door}`;

/** `settings` of the registration. Ids carry the happening, as the desk counts from 1 again on another day. */
export const declaration = {
  timezone: 'Europe/Oslo',
  organizer: 'Old Hall',
  healthy: 'up = true',
  resources: [
    { name: 'happenings', path: 'page/happenings', paging, items: 'table.rows', mapping: `[{'kind': 'event', 'eventId': 'desk-' & $record[0], 'upstreamId': $record[0], 'name': $record[1], 'start': $fromMillis($record[2] * 1000), 'end': $fromMillis($record[3] * 1000), 'timezone': $record[4], 'venue': {'name': $record[5]}, 'public': true}, {'kind': 'record', 'eventId': 'desk-' & $record[0], 'attributes': {'hall': $record[5]}}]` },
    { name: 'doors', path: 'page/doors', paging, mapping: `{'kind': 'gate', 'eventId': 'desk-' & ref, 'upstreamId': id, 'name': title, 'status': open ? 'OPEN' : 'CLOSED'}` },
    { name: 'passes', path: 'page/passes', paging, items: '$each(passes, function($pass) { $pass })', mapping: `{'kind': 'registration', 'eventId': 'desk-' & ref, 'upstreamId': ref & '/' & no, 'participant': ref & '/' & no, 'state': state = 'ok' ? 'CONFIRMED' : 'CANCELLED', 'at': changed}` },
    { name: 'scans', path: 'page/scans', paging, items: 'answer.scans', mapping: scan },
  ],
  webhook: {
    verify: { by: 'hmac', header: 'X-Desk-Signature', prefix: 'sha256=', timestampHeader: 'X-Desk-Timestamp' },
    items: 'answer.scans',
    mapping: scan,
    subscribe: { path: 'hooks', body: `{'target': $webhook.url, 'key': $webhook.secret}` },
    unsubscribe: { path: 'hooks', method: 'DELETE', body: `{'target': $webhook.url}` },
  },
};

/** How the desk signs, so that `declaration` verifies it. */
export const declaredSigning: Signing = { kind: 'hmac', header: 'x-desk-signature', algorithm: 'sha256', encoding: 'hex', prefix: 'sha256=', timestampHeader: 'x-desk-timestamp' };
