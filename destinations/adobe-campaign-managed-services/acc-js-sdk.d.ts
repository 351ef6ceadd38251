/** The part of `@adobe/acc-js-sdk` that the connector uses; the package has no types of its own. */
declare module '@adobe/acc-js-sdk' {
  export interface TransportRequest {
    readonly method?: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly data?: string;
  }
  export interface ConnectionOptions {
    readonly transport: (request: TransportRequest) => Promise<string>;
    readonly noStorage: boolean;
    readonly noSDKHeaders: boolean;
    readonly timeout: number;
  }
  export interface MethodParameter {
    readonly name: string;
    readonly type: 'string' | 'boolean' | 'int' | 'DOMDocument' | 'DOMElement';
    value?: unknown;
  }
  export interface Client {
    logon(): Promise<void>;
    logoff(): Promise<void> | undefined;
    reinit(parameters: ConnectionParameters): void;
    makeSoapCall(
      urn: string,
      method: string,
      isStatic: boolean,
      input: readonly MethodParameter[],
      output: readonly MethodParameter[],
      representation?: string,
    ): Promise<unknown[]>;
    test(): Promise<Readonly<Record<string, string>>>;
  }
  export interface ConnectionParameters {
    readonly _endpoint: string;
  }
  const sdk: {
    init(parameters: ConnectionParameters): Promise<Client>;
    escapeXtk(strings: TemplateStringsArray, ...values: readonly string[]): string;
    readonly ConnectionParameters: {
      ofAnonymousUser(url: string, options: ConnectionOptions): ConnectionParameters;
      ofSessionToken(url: string, token: string, options: ConnectionOptions): ConnectionParameters;
      ofSessionAndSecurityToken(url: string, token: string, securityToken: string, options: ConnectionOptions): ConnectionParameters;
      ofBearerToken(url: string, token: string, options: ConnectionOptions): ConnectionParameters;
      ofImsBearerToken(url: string, token: string, options: ConnectionOptions): ConnectionParameters;
      ofUserAndPassword(url: string, user: string, password: string, options: ConnectionOptions): ConnectionParameters;
    };
  };
  export default sdk;
}
