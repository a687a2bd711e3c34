/** Where the embedded servers report what they do, one line each; a pino logger fits. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
}
