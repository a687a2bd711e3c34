/** Reads server-sent events as a browser without EventSource does. */

export interface ServerSentEvent {
  readonly id?: string;
  readonly event: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests read events freely
  readonly data: any;
}

export interface EventReader {
  /** The next event that matches; undefined when the stream ends before it. */
  next(passes?: (event: ServerSentEvent) => boolean): Promise<ServerSentEvent | undefined>;
  close(): Promise<void>;
}

/** Opens a stream of events and resolves when it is open. */
export async function openEvents(url: string, headers: Record<string, string>): Promise<EventReader> {
  const response = await fetch(url, { headers });
  if (response.status !== 200 || !response.body) throw new Error(`${response.status}: ${await response.text()}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = '';

  async function read(): Promise<ServerSentEvent | undefined> {
    for (let end = unread.indexOf('\n\n'); ; end = unread.indexOf('\n\n')) {
      if (end >= 0) {
        const text = unread.slice(0, end);
        unread = unread.slice(end + 2);
        const fields = Object.fromEntries(text.split('\n').map((line) => line.split(/: (.*)/s, 2))) as { data: string };
        return { ...fields, data: JSON.parse(fields.data) } as unknown as ServerSentEvent;
      }
      const { value, done } = await reader.read();
      if (done) return undefined;
      unread += value;
    }
  }

  return {
    async next(passes = () => true) {
      for (;;) {
        const event = await read();
        if (!event || passes(event)) return event;
      }
    },
    close: () => reader.cancel(),
  };
}
