/**
 * Which times an upstream can have told truly. Clocks of upstreams are off by seconds, by a zone, or by years; the
 * event's period was agreed on before and does not come from that clock.
 */
export type PlausiblePeriod = { readonly start: Date; /** Null when nobody knows. */ readonly end: Date | null };

const day = 86_400_000;
/** How far ahead of the hub's clock an upstream's may be: any zone mixed up with UTC is less. */
export const aheadMs = day;
/** How long before the start and after the end somebody may be checked in: set-up, and badges handed out early. */
export const aroundMs = 30 * day;
/** A clock that is further off than this is told to the operator. */
export const notableSkewMs = 30_000;

/** Why a moment that an upstream tells cannot be true; null where it can. Without a period only the hub's clock judges. */
export const implausibleMoment = (at: Date, period: PlausiblePeriod | null, now: Date): string | null => {
  if (at.getTime() > now.getTime() + aheadMs) return `the time ${at.toISOString()} is more than 24 hours ahead of the hub's clock`;
  if (period === null) return null;
  if (at.getTime() < period.start.getTime() - aroundMs) return `the time ${at.toISOString()} is more than 30 days before the event's start`;
  if (period.end !== null && at.getTime() > period.end.getTime() + aroundMs) return `the time ${at.toISOString()} is more than 30 days after the event's end`;
  return null;
};

/** States compete by their time: one from a clock that is a little ahead must not win over all that follow. */
export const notAfter = (at: Date, now: Date): Date => (at > now ? now : at);
