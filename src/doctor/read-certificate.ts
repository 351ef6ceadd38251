import { connect } from 'node:tls';
import type { Instant } from '../model/instant.ts';

const TIMEOUT_MS = 10_000;

/** When the certificate of an https server ends. Undefined when it shows none. Judges nothing else: whether it holds, a real request tells. */
export function readCertificateEnd(url: string): Promise<Instant | undefined> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((done) => {
    const socket = connect({
      host,
      port: port === '' ? 443 : Number(port),
      servername: /^[\d.]+$|:/.test(host) ? '' : host,
      rejectUnauthorized: false,
      timeout: TIMEOUT_MS,
    });
    const end = (instant: Instant | undefined): void => {
      socket.destroy();
      done(instant);
    };
    socket.on('secureConnect', () => {
      const at = Date.parse(socket.getPeerCertificate().valid_to);
      end(Number.isNaN(at) ? undefined : at);
    });
    socket.on('timeout', () => end(undefined));
    socket.on('error', () => end(undefined));
  });
}
