/** OpenTelemetry traces through client, gateway, workflows and activities. Loaded only if a collector is configured. */
import { setTimeout as pause } from 'node:timers/promises';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { makeWorkflowExporter } from '@temporalio/interceptors-opentelemetry-v2';
import type { WorkerInterceptors, WorkerOptions } from '@temporalio/worker';
import type { Config } from './config.js';

export interface Tracing {
  /** For `CloseoutClient.connect`. */
  client: WorkflowClientInterceptor[];
  activity: NonNullable<WorkerInterceptors['activity']>;
  sinks: NonNullable<WorkerOptions['sinks']>;
  /** Sends the remaining spans. */
  close: () => Promise<void>;
}

type Exporter = ReturnType<typeof makeWorkflowExporter>;

/** The library copies everything that is known of a workflow into its spans, and with it the customer's id. */
function withoutSearchAttributes(exporter: Exporter): Exporter {
  type Info = Parameters<Exporter['export']['fn']>[0];
  return {
    export: {
      fn: ({ workflowId, runId, workflowType, taskQueue, attempt }, ...spans) =>
        exporter.export.fn({ workflowId, runId, workflowType, taskQueue, attempt } as Info, ...spans),
    },
  };
}

/** The standard `OTEL_*` settings say where and how spans are sent. `part`: the default service name is `closeout-{part}`. */
export async function openTracing({ isTraced }: Config, part: string): Promise<Tracing | undefined> {
  if (!isTraced) return undefined;
  const [otel, { OTLPTraceExporter }, { BatchSpanProcessor, NodeTracerProvider }, resources] = await Promise.all([
    import('@temporalio/interceptors-opentelemetry-v2'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/resources'),
  ]);
  const resource = resources
    .resourceFromAttributes({ 'service.name': `closeout-${part}` })
    .merge(resources.detectResources({ detectors: [resources.envDetector] }));
  const processor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.register();
  return {
    client: [new otel.OpenTelemetryWorkflowClientInterceptor()],
    activity: [(context) => ({ inbound: new otel.OpenTelemetryActivityInboundInterceptor(context) })],
    sinks: { exporter: withoutSearchAttributes(otel.makeWorkflowExporter(processor, resource)) },
    // A collector that does not answer must neither make a command fail nor delay its end.
    close: () => Promise.race([provider.shutdown().catch(() => undefined), pause(2000, undefined, { ref: false })]),
  };
}
