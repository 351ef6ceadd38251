import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SendingTurns } from '../../../src/storage/sftp/sending-turns.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Takes a turn for each name and notes who has come to it. */
function line(names: readonly string[], signal?: AbortSignal): { readonly sending: string[]; readonly end: (name: string) => void } {
  const turns = new SendingTurns();
  const sending: string[] = [];
  const taken = new Map<string, Disposable>();
  const send = async (name: string): Promise<void> => {
    taken.set(name, await turns.take(signal));
    sending.push(name);
  };
  for (const name of names) void send(name);
  return { sending, end: (name) => taken.get(name)?.[Symbol.dispose]() };
}

it('lets two send and the others follow in order as turns end', async () => {
  const { sending, end } = line(['a', 'b', 'c', 'd']);
  await vi.advanceTimersByTimeAsync(900);
  expect(sending).toEqual(['a', 'b']);

  end('b');
  await vi.advanceTimersByTimeAsync(0);
  expect(sending).toEqual(['a', 'b', 'c']);

  end('a');
  await vi.advanceTimersByTimeAsync(0);
  expect(sending).toEqual(['a', 'b', 'c', 'd']);
});

it('lets all send when the first ones take long', async () => {
  const { sending } = line(['a', 'b', 'c', 'd']);
  await vi.advanceTimersByTimeAsync(1000);

  expect(sending).toEqual(['a', 'b', 'c', 'd']);
});

it('keeps nobody waiting who was told to stop', async () => {
  const controller = new AbortController();
  const { sending } = line(['a', 'b', 'c'], controller.signal);
  await vi.advanceTimersByTimeAsync(10);
  controller.abort();
  await vi.advanceTimersByTimeAsync(0);

  expect(sending).toEqual(['a', 'b', 'c']);
});
