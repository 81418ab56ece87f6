/**
 * What the traced bundle adds to the workflow code. Every call but updates: the library answers an update some steps later than the
 * plain code does, so a run that was recorded without traces would no longer fit (test/replay).
 */
import {
  OpenTelemetryInboundInterceptor,
  OpenTelemetryInternalsInterceptor,
  OpenTelemetryOutboundInterceptor,
} from '@temporalio/interceptors-opentelemetry-v2/lib/workflow/index.js';
import type { WorkflowInterceptors } from '@temporalio/workflow';

export function interceptors(): WorkflowInterceptors {
  const spans = new OpenTelemetryInboundInterceptor();
  return {
    inbound: [
      {
        execute: (input, next) => spans.execute(input, next),
        handleSignal: (input, next) => spans.handleSignal(input, next),
        handleQuery: (input, next) => spans.handleQuery(input, next),
      },
    ],
    outbound: [new OpenTelemetryOutboundInterceptor()],
    internals: [new OpenTelemetryInternalsInterceptor()],
  };
}
