/**
 * Spans for the traced bundle. They cover every call except updates: with the library's interceptor, an update completes some steps
 * later, so that a run recorded without traces could no longer be replayed (test/replay).
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
