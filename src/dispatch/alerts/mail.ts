/** Mail through the SMTP server of the settings. */
import { createTransport } from 'nodemailer';

export interface Mail {
  /** The same for each attempt, so that mail servers recognize a message that was sent twice. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface Mailer {
  /** Sends a mail. Rejects when the server does not accept it in time. */
  send(mail: Mail): Promise<void>;
  close(): void;
}

export interface MailConfig {
  /** smtp:// or smtps://, with user and password if the server needs them. */
  readonly smtpUrl: string;
  /** An address, or a name with an address in angle brackets. */
  readonly from: string;
}

/** Time limit of each step, in milliseconds: to connect, to be greeted, and without any data. */
const STEP_MS = 8_000;
/** Time limit of a mail, in milliseconds. */
const MAIL_MS = 25_000;

/** A mailer that opens a connection for each mail, as there are few. */
export function createMailer({ smtpUrl, from }: MailConfig): Mailer {
  const transport = createTransport({
    url: smtpUrl,
    ...{ connectionTimeout: STEP_MS, greetingTimeout: STEP_MS, socketTimeout: STEP_MS, dnsTimeout: STEP_MS },
    // Nothing in a mail names a file or a URL to attach.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  const domain = /@([^>\s]+)>?$/.exec(from)?.[1] ?? 'localhost';
  return {
    async send({ id, to, subject, text }) {
      const sent = transport.sendMail({
        ...{ from, subject, text, messageId: `<${id}@${domain}>` },
        // As an object, so that the address is not parsed as a list.
        to: { name: '', address: to },
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      await inTime(sent, MAIL_MS);
    },
    close: () => transport.close(),
  };
}

async function inTime(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the mail server took longer than ${ms / 1_000} s`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
