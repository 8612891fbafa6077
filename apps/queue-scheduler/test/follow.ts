import type { Person } from '@lineclear/testkit';
import { expect } from 'vitest';

export interface Seen {
  readonly id: string;
  /** The id without the stream's life. */
  readonly at: number;
  readonly event: string;
  readonly data: { type: string; data: Record<string, unknown> };
}
export interface Listener {
  readonly seen: Seen[];
  /** What a browser would send when it comes back. */
  lastEventId: string | undefined;
  comments: number;
  ended: boolean;
  stop(): void;
}

/** Reads server-sent events as a browser would. */
export async function follow(url: string, person: Person, lastEventId?: string): Promise<Listener> {
  const controller = new AbortController();
  const response = await fetch(`${url}/api/events`, {
    headers: {
      authorization: `Bearer ${person.token}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    signal: controller.signal,
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const listener: Listener = {
    seen: [],
    lastEventId,
    comments: 0,
    ended: false,
    stop: () => controller.abort(),
  };
  void (async () => {
    let text = '';
    try {
      for await (const chunk of response.body!.pipeThrough(
        new TextDecoderStream() as never,
      ) as unknown as AsyncIterable<string>) {
        const frames = (text + chunk).split('\n\n');
        text = frames.pop() ?? '';
        for (const frame of frames) take(listener, frame);
      }
    } catch {
      // Closed by one of the two sides.
    }
    listener.ended = true;
  })();
  return listener;
}

function take(listener: Listener, frame: string): void {
  const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1];
  const id = field('id');
  const data = field('data');
  if (id !== undefined) listener.lastEventId = id;
  if (frame.startsWith(':')) listener.comments += 1;
  if (id !== undefined && data !== undefined)
    listener.seen.push({
      id,
      at: Number(id.split('-')[1]),
      event: String(field('event')),
      data: JSON.parse(data),
    });
}

export const kinds = ({ seen }: Listener, jobId: string): string[] =>
  seen.filter(({ data }) => data.data['job_id'] === jobId).map(({ event }) => event);
