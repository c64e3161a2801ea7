/** The SDK of OpenTelemetry, for hubs that are told where a collector is. The exporter reads the standard variables itself. */
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';

/** To be called before anything asks for a tracer. What was not sent yet is sent when it is disposed of. */
export const startTracing = (env: Readonly<Record<string, string | undefined>>, role: string): AsyncDisposable | null => {
  if (!env['OTEL_EXPORTER_OTLP_ENDPOINT'] && !env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']) return null;
  const resource = defaultResource().merge(resourceFromAttributes({ 'service.name': env['OTEL_SERVICE_NAME'] ?? 'eventgraph', 'service.instance.id': `${role}-${process.pid}` }));
  const provider = new NodeTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
  provider.register();
  return { [Symbol.asyncDispose]: () => provider.shutdown() };
};
