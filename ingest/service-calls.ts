/** The ways to call services: one for each and for each further host of it, over its budget and its circuit. */
import type { CallLedger } from '#core/call-ledger.ts';
import type { CallBudget } from '#core/connector.ts';
import { notableSkewMs } from '#core/plausible-time.ts';
import type { BudgetReport, CircuitState, Reachable } from '#core/services.ts';
import type { Hub } from '#core/subgraph.ts';
import { createServiceCircuitStore } from '#core/upstream-circuit.ts';
import { type UpstreamHttp, createUpstreamHttp } from '#core/upstream-http.ts';

/** As of now; null where there is none, or it is not known. */
export type Measured = { readonly budget: BudgetReport | null; readonly clockSkewMs: number | null };

export type ServiceCalls = {
  of(service: Reachable, budget: CallBudget | null): { readonly http: UpstreamHttp; readonly httpFor: (name: string) => UpstreamHttp };
  measured(serviceId: string): Promise<Measured>;
  /** Ends the connections to a service that is not to be called again. */
  forget(serviceId: string): Promise<void>;
  close(): Promise<void>;
} & AsyncDisposable;

export type ServiceCallsOptions = { readonly hub: Pick<Hub, 'database' | 'logger'>; readonly ledger: CallLedger; readonly allowPrivateAddresses: boolean; /** Circuits of their own, for a try: nobody else sees them, and they see nobody's. */ readonly isApart?: boolean };

/** What is known of a service in this process; rows that were read keep it up to date. */
type Known = { /** Where and how it is called by them. */ readonly way: string; readonly https: Map<string, UpstreamHttp>; budget: CallBudget | null; circuit: CircuitState; clockSkewMs: number | null };

/** A clock that is further off is told as so far off: it is an integer in the table and in the graph. */
const mostSkewMs = 2_147_483_647;

/** Of the service itself. */
const itself = '';

export const createServiceCalls = ({ hub, ledger, allowPrivateAddresses, isApart = false }: ServiceCallsOptions): ServiceCalls => {
  const services = new Map<string, Known>();

  const toService = (service: Reachable, known: Known): UpstreamHttp =>
    createUpstreamHttp({
      allowPrivateAddresses, ledger, retries: service.retries, account: service.id,
      budget: () => known.budget,
      ...(!isApart && { circuit: createServiceCircuitStore(hub.database, service.id) }),
      circuitSeen() {
        const seen = known.circuit;
        known.circuit = 'CLOSED';
        return seen;
      },
      onClockSkew(ms) {
        const isNews = Math.abs(ms) > notableSkewMs && Math.abs(known.clockSkewMs ?? 0) <= notableSkewMs;
        known.clockSkewMs = Math.max(-mostSkewMs, Math.min(mostSkewMs, ms));
        if (isNews) hub.logger.warn({ serviceId: service.id, clockSkewMs: ms }, "the service's clock differs from the hub's");
      },
    });

  const close = async (): Promise<void> => {
    await Promise.all([...services.values()].flatMap(({ https }) => [...https.values()].map((http) => http.close())));
  };

  return {
    of(service, budget) {
      const way = `${service.retries} ${service.apiUrl}`;
      const before = services.get(service.id);
      // One that is replaced is left to the calls on their way: its idle connections end by themselves.
      const known = before?.way === way ? before : { way, https: new Map<string, UpstreamHttp>(), budget, circuit: 'CLOSED' as const, clockSkewMs: null };
      services.set(service.id, known);
      known.budget = budget;
      known.circuit = service.circuit;
      const httpFor = (name: string): UpstreamHttp => {
        const made = known.https.get(name) ?? (name === itself ? toService(service, known) : createUpstreamHttp({ allowPrivateAddresses, ledger, retries: service.retries, account: `${service.id} ${name}` }));
        known.https.set(name, made);
        return made;
      };
      return { http: httpFor(itself), httpFor };
    },
    async measured(serviceId) {
      const known = services.get(serviceId);
      return { budget: (await known?.https.get(itself)?.budget()) ?? null, clockSkewMs: known?.clockSkewMs ?? null };
    },
    async forget(serviceId) {
      const names = [...(services.get(serviceId)?.https ?? [])];
      services.delete(serviceId);
      await Promise.all(names.map(([name, http]) => Promise.all([http.close(), ledger.forget(name === itself ? serviceId : `${serviceId} ${name}`)])));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};
