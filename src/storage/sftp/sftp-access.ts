/** How to reach and enter an SFTP server, secrets in clear: it lives in memory only. */
export interface SftpAccess {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** `SHA256:…` without padding. */
  readonly hostKey: string;
  readonly login: SftpLogin;
  /** Names the connection in messages: `sftp://user@host:port`. */
  readonly name: string;
}

export type SftpLogin =
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'key'; readonly privateKey: string; readonly passphrase?: string }
  | { readonly kind: 'agent'; readonly socket: string };
