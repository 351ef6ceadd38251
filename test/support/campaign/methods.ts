import type { IncomingHttpHeaders } from 'node:http';
import { executeQuery, QueryError, type Row } from './query.ts';
import { writeResponse, type SoapRequest } from './soap.ts';
import type { CampaignState, FakeWorkflow } from './state.ts';
import { childOf, writeElement } from './xml.ts';

/** A SOAP fault; real servers send most with status 200, refused logons with 403. */
export class FaultError extends Error {
  readonly status: number;
  readonly detail: string;

  constructor(message: string, detail = '', status = 200) {
    super(message);
    this.detail = detail;
    this.status = status;
  }
}

type Method = (state: CampaignState, request: SoapRequest) => string;

/** What may be called without a session. */
const OPEN_METHODS: Readonly<Record<string, Method>> = { 'xtk:session#Logon': logon, 'xtk:session#BearerTokenLogon': bearerTokenLogon };

const METHODS: Readonly<Record<string, Method>> = {
  'xtk:session#Logoff': (state, request) => {
    state.sessions.delete(request.sessionToken);
    return writeResponse('urn:xtk:session', 'Logoff', []);
  },
  'xtk:session#GetUserInfo': () => writeResponse('urn:xtk:session', 'GetUserInfo', [{ name: 'pUserInfo', element: writeUserInfo() }]),
  'xtk:persist#GetEntityIfMoreRecent': getEntity,
  'xtk:queryDef#ExecuteQuery': query,
  'xtk:queryDef#CreateInstanceFromModel': createInstance,
  'xtk:workflow#PostEvent': postEvent,
  'xtk:workflow#Start': start,
};

/** Performs a call and returns the envelope. Throws `FaultError`. */
export function callMethod(state: CampaignState, request: SoapRequest, headers: IncomingHttpHeaders): string {
  const open = OPEN_METHODS[request.action];
  if (open !== undefined) return open(state, request);
  requireSession(state, request, headers);
  const method = METHODS[request.action];
  if (method === undefined) throw new FaultError(`SOP-330006 The method '${request.method}' is not defined`, request.action);
  return method(state, request);
}

function requireSession(state: CampaignState, request: SoapRequest, headers: IncomingHttpHeaders): void {
  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) {
    // Builds before 8.5 know no bearer on calls.
    if (versionOf(state) >= 8.005 && state.bearers.has(bearer)) return;
  } else {
    const security = state.sessions.get(request.sessionToken);
    const cookie = headers.cookie ?? '';
    if (security !== undefined && cookie.includes(`__sessiontoken=${request.sessionToken}`) && headers['x-security-token'] === security) return;
  }
  throw new FaultError('XSV-350008 Session has expired or is invalid. Please reconnect.');
}

function versionOf({ version }: CampaignState): number {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major + minor / 1000;
}

function logon(state: CampaignState, { parameters }: SoapRequest): string {
  const [login, password] = parameters;
  if (login === undefined || password === undefined || !Object.hasOwn(state.users, login.text) || state.users[login.text] !== password.text) {
    throw new FaultError('XSV-350012 Invalid login or password. Connection denied.', '', 403);
  }
  return writeSession(state, 'Logon');
}

function bearerTokenLogon(state: CampaignState, { parameters }: SoapRequest): string {
  if (!state.bearers.has(parameters[0]?.text ?? '')) throw new FaultError('XSV-350012 Invalid bearer token. Connection denied.', '', 403);
  return writeSession(state, 'BearerTokenLogon');
}

function writeSession(state: CampaignState, method: string): string {
  const { session, security } = state.issueSession();
  const [major = '', minor = '', pack = ''] = state.version.split('.');
  const server = writeElement('serverInfo', { buildNumber: state.build, instanceName: state.instance, majNumber: major, minNumber: minor, servicePack: pack });
  return writeResponse('urn:xtk:session', method, [
    { name: 'pstrSessionToken', text: session },
    { name: 'pSessionInfo', element: writeElement('sessionInfo', {}, [server, writeUserInfo()]) },
    { name: 'pstrSecurityToken', text: security },
  ]);
}

function writeUserInfo(): string {
  return writeElement('userInfo', { login: 'reconcile', loginCS: 'Reconcile (reconcile)', loginId: '1', orgUnitId: '0', timezone: 'Europe/Berlin' }, [
    writeElement('installed-package', { name: 'campaign', namespace: 'nms' }),
  ]);
}

function getEntity(state: CampaignState, { parameters }: SoapRequest): string {
  const id = (parameters[0]?.text ?? '').replace(/^xtk:schema\|/, '');
  const attributes = state.schemas[id];
  const [namespace = '', name = ''] = id.split(':');
  const empty = [{ name: 'pdomDoc', element: '' }];
  if (attributes === undefined) return writeResponse('urn:wpp:default', 'GetEntityIfMoreRecent', empty);
  const list = attributes.map((attribute) => writeElement('attribute', { name: attribute, type: 'string' }));
  const location = writeElement('element', { name: 'location' }, [writeElement('attribute', { name: 'city', type: 'string' })]);
  const main = writeElement('element', { name }, [...list, location]);
  return writeResponse('urn:wpp:default', 'GetEntityIfMoreRecent', [{ name: 'pdomDoc', element: writeElement('schema', { namespace, name }, [main]) }]);
}

const WORKFLOW_COLUMNS = ['@id', '@internalName', '@label', '@state', '@status', '@failed', '@lastStart', '@processDate', '@nextProcessingDate'];
const LOG_COLUMNS = ['@id', '@logDate', '@logType', '@activity', '@message', '@workflow-id'];

function query(state: CampaignState, { parameters }: SoapRequest): string {
  const def = childOf(parameters[0], 'queryDef');
  if (def === undefined) throw new FaultError('SOP-330011 Error while executing the method', 'no queryDef');
  if (def.attributes['schema'] === 'xtk:workflowLog' && state.logHidden) {
    throw new FaultError("SOP-330011 Error while executing the method 'ExecuteQuery'", 'XTK-170017 You do not have the rights to read xtk:workflowLog');
  }
  const tables: Readonly<Record<string, readonly Row[]>> = {
    'nms:deliveryMapping': state.mappings,
    'xtk:workflow': state.workflows.map(asRow),
    'xtk:workflowLog': state.log,
  };
  const columns = { 'nms:deliveryMapping': state.mappingColumns, 'xtk:workflow': WORKFLOW_COLUMNS, 'xtk:workflowLog': LOG_COLUMNS };
  try {
    return writeResponse('urn:xtk:queryDef', 'ExecuteQuery', [{ name: 'pdomOutput', element: executeQuery(def, tables, columns) }]);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw new FaultError("SOP-330011 Error while executing the method 'ExecuteQuery' of service 'xtk:queryDef'", error.message);
  }
}

function asRow(workflow: FakeWorkflow): Row {
  const { id, internalName, label, state, failed } = workflow;
  return { '@id': id, '@internalName': internalName, '@label': label, '@state': String(state), '@status': '1', '@failed': failed ? '1' : '0' };
}

function createInstance(state: CampaignState, { parameters }: SoapRequest): string {
  const [, template, document] = parameters;
  if (!state.workflows.some(({ id }) => id === template?.text)) throw new FaultError('SOP-330011 Error while executing the method', 'XTK-170006 No such model');
  const attributes = document?.children[0]?.attributes ?? {};
  const id = String(5000 + state.workflows.length);
  state.workflows.push({ id, internalName: attributes['internalName'] ?? `WKF${id}`, label: attributes['label'] ?? '', state: 0, failed: false });
  return writeResponse('urn:xtk:queryDef', 'CreateInstanceFromModel', [
    { name: 'pdomOutput', element: writeElement('workflow', { id, internalName: attributes['internalName'] ?? '' }) },
  ]);
}

function start(state: CampaignState, { parameters }: SoapRequest): string {
  const workflow = findWorkflow(state, parameters[0]?.text ?? '');
  workflow.state = 11;
  return writeResponse('urn:xtk:workflow', 'Start', []);
}

function findWorkflow(state: CampaignState, name: string): FakeWorkflow {
  const found = state.workflows.find(({ id, internalName }) => id === name || internalName === name);
  if (found === undefined) throw new FaultError("SOP-330011 Error while executing the method 'PostEvent'", `WKF-560000 No workflow '${name}'`);
  return found;
}

function postEvent(state: CampaignState, { parameters }: SoapRequest): string {
  const [name, activity, transition, holder, complete] = parameters;
  const variables = childOf(holder, 'variables');
  if (variables === undefined) throw new FaultError("Parameters must be inside a 'variables' entity");
  const workflow = findWorkflow(state, name?.text ?? '');
  state.events.push({
    workflow: workflow.internalName,
    activity: activity?.text ?? '',
    transition: transition?.text ?? '',
    complete: complete?.text === 'true' || complete?.text === '1',
    variables: variables.attributes,
  });
  // Not started: the call is accepted, the event waits or is lost, and only the log says so.
  if (workflow.state === 11) setTimeout(() => importFiles(state, workflow, variables.attributes), state.importMs).unref();
  else state.addLog(workflow, 0, activity?.text ?? '', 'The workflow is not started: the event is ignored');
  return writeResponse('urn:xtk:workflow', 'PostEvent', []);
}

function importFiles(state: CampaignState, workflow: FakeWorkflow, { runId = '', rows = '0' }: Readonly<Record<string, string>>): void {
  const mark = (status: string): void => state.addLog(workflow, 2, 'end', `SEGEXPORT runId=${runId} status=${status} rows=${rows}`);
  state.addLog(workflow, 2, 'fileTransfer', 'Downloading');
  if (state.behaviour === 'ok') mark('ok');
  else if (state.behaviour === 'failed') mark('failed');
  else if (state.behaviour === 'started-only') mark('started');
  else if (state.behaviour === 'error-row' || state.behaviour === 'stops') {
    state.addLog(workflow, 0, 'fileImport', "Line 3: the value 'x' is not a date");
    if (state.behaviour === 'stops') [workflow.state, workflow.failed] = [13, true];
  }
}
