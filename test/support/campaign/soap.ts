import { childOf, escapeXml, parseXml, type XmlElement } from './xml.ts';

const ENVELOPE =
  "<SOAP-ENV:Envelope xmlns:SOAP-ENV='http://schemas.xmlsoap.org/soap/envelope/' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:xsd='http://www.w3.org/2001/XMLSchema'";

/** A request as the server understands it: `urn#Method` and its positional parameters, the session token first. */
export interface SoapRequest {
  readonly action: string;
  readonly method: string;
  readonly sessionToken: string;
  readonly parameters: readonly XmlElement[];
}

export function parseSoapRequest(body: string, action: string): SoapRequest {
  const call = childOf(parseXml(body), 'Body')?.children[0];
  const [first, ...parameters] = call?.children ?? [];
  if (call === undefined || first?.name !== 'sessiontoken') throw new Error('the first parameter must be the session token');
  return { action, method: call.name.replace(/^.*:/, ''), sessionToken: first.text, parameters };
}

export type SoapValue = { readonly name: string; readonly text: string } | { readonly name: string; readonly element: string };

export function writeResponse(urn: string, method: string, values: readonly SoapValue[]): string {
  const written = values.map((value) =>
    'text' in value
      ? `<${value.name} xsi:type='xsd:string'>${escapeXml(value.text)}</${value.name}>`
      : `<${value.name} xsi:type='ns:Element' SOAP-ENV:encodingStyle='http://xml.apache.org/xml-soap/literalxml'>${value.element}</${value.name}>`,
  );
  const style = "SOAP-ENV:encodingStyle='http://schemas.xmlsoap.org/soap/encoding/'";
  return `<?xml version='1.0'?>${ENVELOPE} xmlns:ns='${urn}'><SOAP-ENV:Body><${method}Response xmlns='${urn}' ${style}>${written.join('')}</${method}Response></SOAP-ENV:Body></SOAP-ENV:Envelope>`;
}

export function writeFault(text: string, detail = ''): string {
  return `<?xml version='1.0'?>${ENVELOPE}><SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>SOAP-ENV:Server</faultcode><faultstring xsi:type='xsd:string'>${escapeXml(text)}</faultstring><detail xsi:type='xsd:string'>${escapeXml(detail)}</detail></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>`;
}
