/**
 * Which response to a rotation a client of Svix's API expects. The `User-Agent` of the client packages is
 * `svix-libs/<version>/<language>`, with one version for all languages.
 *
 * Up to 2.6 clients ignore the body (svix-server 1.100.0 responds with 204): npm svix 1.99.1 and 2.5.0, PyPI svix
 * 2.6.2. Those for Java and Kotlin fail on a body: Maven com.svix:svix 1.93.0 (`SvixHttpClient.executeRequest`) parses
 * any body of a 200, here without a target class. PyPI svix 2.7.0 parses an `EndpointSecretOut` and fails on a 204.
 */
const CLIENT = /^svix-libs\/(\d+)\.(\d+)\./;
const READS_SECRET_SINCE = { major: 2, minor: 7 };

/** Whether the client with this `User-Agent` reads the new secret from the response to a rotation. */
export function readsRotatedSecret(userAgent: string | undefined): boolean {
  const [, major, minor] = CLIENT.exec(userAgent ?? '') ?? [];
  if (major === undefined || minor === undefined) return false;
  const newer = Number(major) - READS_SECRET_SINCE.major;
  return newer > 0 || (newer === 0 && Number(minor) >= READS_SECRET_SINCE.minor);
}
