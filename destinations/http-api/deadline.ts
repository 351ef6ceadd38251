/** The end of one request: its time is over, or it was stopped from outside. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** The time is over. */
  readonly passed: boolean;
}

/**
 * As `AbortSignal.any([AbortSignal.timeout(ms), stop])`, but gone once the request is: those two live until their time is over, and at hundreds of
 * requests a second thousands would be held.
 */
export function startDeadline(ms: number, stop: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  let passed = false;
  const end = (): void => controller.abort(stop?.reason);
  const timer = setTimeout(() => {
    passed = true;
    controller.abort();
  }, ms);
  if (stop?.aborted === true) end();
  else stop?.addEventListener('abort', end);
  return {
    signal: controller.signal,
    get passed() {
      return passed;
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      stop?.removeEventListener('abort', end);
    },
  };
}
