/** HTTP Basic authentication (RFC 7617), as a field of its own or as credentials in an address. */

export interface BasicCredentials {
  readonly username: string;
  readonly password: string;
}

/** The value of the `Authorization` header. */
export function basicAuthorization({ username, password }: BasicCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** The credentials in an address (`https://user:password@host`), decoded, or undefined where it has none. */
export function urlCredentials({ username, password }: URL): BasicCredentials | undefined {
  if (username === '' && password === '') return undefined;
  return { username: percentDecode(username), password: percentDecode(password) };
}

/** Decodes as the URL standard does: UTF-8, and a per cent sign that begins no code stands for itself. */
function percentDecode(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (codes) => Buffer.from(codes.replaceAll('%', ''), 'hex').toString());
}
