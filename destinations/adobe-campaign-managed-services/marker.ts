/** What the customer's workflow writes into its log about one run: `SEGEXPORT runId=… status=ok|failed rows=…` (contract section 2). */
export interface Marker {
  readonly runId: string;
  readonly status: 'started' | 'ok' | 'failed';
  readonly rows: number | undefined;
}

const MARKER = /\bSEGEXPORT\s+runId=(\S+)\s+status=(started|ok|failed)\b(?:\s+rows=(\d+))?/;

/** The marker in a log message; undefined when it has none. Everything else there is in the server's language and means nothing to us. */
export function parseMarker(message: string): Marker | undefined {
  const match = MARKER.exec(message);
  if (match === null) return undefined;
  const [, runId = '', status, rows] = match;
  return { runId, status: status as Marker['status'], rows: rows === undefined ? undefined : Number(rows) };
}

/** The line for an activity's initialization script that writes a marker. */
export function markerScript(status: Marker['status']): string {
  const rest = status === 'started' ? `${status}"` : `${status} rows=" + vars.recCount`;
  return `logInfo("SEGEXPORT runId=" + vars.runId + " status=${rest});`;
}
