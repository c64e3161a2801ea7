/** How pulls stand in the queue. */
export const pullTask = 'ingest.pull';

/** One pull of a service at a time, and one waiting. */
export const pullSpec = (serviceId: string) => ({ key: `pull:${serviceId}`, queue: `service:${serviceId}`, maxAttempts: 3 });
