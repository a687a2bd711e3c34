/** An SMTP server on 127.0.0.1 that records mails. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body as they came, with lines joined that were folded. */
  readonly text: string;
}

export interface MailServer {
  /** For PIGEONPOST_SMTP_URL. */
  readonly url: string;
  readonly received: readonly ReceivedMail[];
  /** Refuses the next mails with this text; accepts them again without one. */
  refuse(text?: string): void;
  close(): Promise<void>;
}

export async function startMailServer(): Promise<MailServer> {
  const received: ReceivedMail[] = [];
  let refusal: string | undefined;
  const server = new SMTPServer({
    logger: false,
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username, password }, _session, callback) =>
      username === 'kim' && password === 'secret' ? callback(null, { user: username }) : callback(new Error('no')),
    onData(stream, { envelope }, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (refusal !== undefined) return callback(Object.assign(new Error(refusal), { responseCode: 451 }));
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address);
        received.push({
          from,
          to,
          text: Buffer.concat(chunks)
            .toString('utf8')
            .replace(/\r\n[ \t]/g, ' '),
        });
        callback();
      });
    },
  });
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: `smtp://kim:secret@127.0.0.1:${(listener.address() as AddressInfo).port}`,
    received,
    refuse: (text) => void (refusal = text),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
