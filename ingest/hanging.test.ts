import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { within } from '#core/testing.ts';
import { applyBatch } from './apply.ts';
import { type TestIngest, checkIn, event, openTestIngest } from './test-kit.ts';
import { startIngestWorker } from './worker.ts';

const hanging = 50;

let own: TestIngest;
let handled: string[];
let called: string[];
beforeEach(async () => {
  [handled, called] = [[], []];
  own = await openTestIngest({ on: { 'checkin.recorded': async (_em, { payload }) => void handled.push(payload.checkInId) } });
  own.upstream.pull = async function* ({ service, signal }) {
    called.push(service.serviceId);
    if (service.serviceId !== 'svc_well') await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
    yield { facts: [event(), checkIn('c1', 1)], rejected: [], cursor: 1 };
  };
});
afterEach(() => own[Symbol.asyncDispose]());

test('fifty services that hang keep neither another from being asked nor what it tells from being handled', async () => {
  for (let n = 0; n < hanging; n++) await own.addService(`svc_${n}`);
  await using _worker = await startIngestWorker({ ingest: own.ingest, hub: own.hub, tickMs: 20 });
  await vi.waitFor(() => expect(new Set(called).size).toBe(hanging), within);
  await own.addService('svc_well');
  await vi.waitFor(() => expect(handled).toEqual(['c1']), within);
});

test('batches that wait to be written leave connections of the database to those who ask', async () => {
  const services = Array.from({ length: 40 }, (_, n) => `svc_${n}`);
  for (const id of services) await own.addService(id);
  let writing = 0;
  let most = 0;
  const { em } = own.hub.database;
  const transactional = vi.spyOn(own.hub.database, 'em').mockImplementation(() => {
    const unit = em();
    const run = unit.transactional.bind(unit);
    unit.transactional = ((...work: Parameters<typeof run>) => {
      most = Math.max(most, ++writing);
      return run(...work).finally(() => writing--);
    }) as typeof unit.transactional;
    return unit;
  });
  await Promise.all(services.map((serviceId) => applyBatch(own.ingest, { serviceId, rejected: [], facts: [event({ eventId: serviceId, upstreamId: serviceId })] })));
  transactional.mockRestore();
  expect(await own.count('events.events')).toBe(40);
  expect(most).toBe(10);
});
