/**
 * Bad days, one event's at a time: what a gate system does when it is broken, overloaded, wrong or forged.
 */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';

export const badDays = ['none', 'hang', 'too-many', 'status-500', 'html', 'half-json', 'endless', 'drip', 'absurd-numbers', 'unhealthy'] as const;

export const knobs = z.object({
  /** How every endpoint of the event answers. */
  answers: z.enum(badDays).default('none'),
  /** Added to every time that the gate system tells, in milliseconds. */
  clockOffsetMs: z.number().int().default(0),
  /** Each push is sent twice. */
  doublePushes: z.boolean().default(false),
  /** Pushes are signed with a secret that nobody exchanged. */
  forgedSignature: z.boolean().default(false),
  /** No push is sent: what happens is only seen by asking. */
  silent: z.boolean().default(false),
  /** Tells how many are inside, and never who passed. */
  countOnly: z.boolean().default(false),
});
export type Knobs = z.infer<typeof knobs>;

/** Answers as a broken service does. False where the day is good enough for an honest answer. */
export const misbehave = (answers: Knobs['answers'], reply: FastifyReply): boolean => {
  switch (answers) {
    case 'none':
    case 'absurd-numbers':
    case 'unhealthy':
      return false;
    case 'hang':
      // The reply stays open until the caller, or the end of the simulator, closes the socket.
      reply.hijack();
      return true;
    case 'too-many':
      void reply.code(429).header('retry-after', '1').send({ error: 'too many requests' });
      return true;
    case 'status-500':
      void reply.code(500).send({ error: 'internal server error' });
      return true;
    case 'html':
      void reply.type('text/html').send('<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>');
      return true;
    case 'half-json':
      void reply.type('application/json').send('{"participants":{"total":500},"attendance":{"cur');
      return true;
    case 'endless':
      void reply.type('application/json').send(Readable.from(endless()));
      return true;
    case 'drip':
      void reply.type('application/json').send(Readable.from(drip()));
      return true;
  }
};

/** JSON that never ends, written as fast as it is read. */
function* endless(): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024, '"x",');
  yield Buffer.from('{"checkIns":[');
  for (;;) yield chunk;
}

/** JSON that never ends, a byte at a time. */
async function* drip(): AsyncGenerator<Buffer> {
  for (;;) {
    yield Buffer.from('[');
    await new Promise((resolve) => setTimeout(resolve, 100).unref());
  }
}

/** Numbers that nobody can have counted, where `answer` had honest ones. */
export const absurd = <T extends { participants: { total: number }; attendance: { current: number }; gates: readonly { throughput: number }[] }>(answer: T): T => ({
  ...answer,
  participants: { total: -500 },
  attendance: { current: 9e15 },
  gates: answer.gates.map((gate, index) => (index === 0 ? { ...gate, throughput: -40 } : gate)),
});
