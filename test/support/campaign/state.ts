import type { Row } from './query.ts';

export interface FakeWorkflow {
  readonly id: string;
  readonly internalName: string;
  readonly label: string;
  /** 0 edited, 2 running, 11 started, 13 paused, 20 finished; `domain/campaign.md` 5.1. */
  state: number;
  failed: boolean;
}

/** What an event does once it is taken: what the customer's workflow would. */
export type ImportBehaviour = 'ok' | 'failed' | 'error-row' | 'stops' | 'silent' | 'started-only';

export interface PostedEvent {
  readonly workflow: string;
  readonly activity: string;
  readonly transition: string;
  readonly complete: boolean;
  readonly variables: Readonly<Record<string, string>>;
}

export interface CampaignSetup {
  readonly instance: string;
  readonly version: string;
  readonly build: string;
  readonly users: Readonly<Record<string, string>>;
  readonly ims: { readonly clientId: string; readonly clientSecret: string; readonly tokenSeconds: number };
  readonly mappings: readonly Row[];
  readonly workflows: readonly FakeWorkflow[];
  /** Attribute names of the main element, by schema. */
  readonly schemas: Readonly<Record<string, readonly string[]>>;
  /** The columns of `nms:deliveryMapping` that this build has. */
  readonly mappingColumns: readonly string[];
  readonly behaviour: ImportBehaviour;
  /** How long the import takes. */
  readonly importMs: number;
  /** The operator may not read the workflow's log. */
  readonly logHidden: boolean;
  readonly now: () => number;
}

export interface CampaignState extends Omit<CampaignSetup, 'behaviour' | 'logHidden' | 'workflows'> {
  behaviour: ImportBehaviour;
  logHidden: boolean;
  readonly workflows: FakeWorkflow[];
  readonly events: PostedEvent[];
  readonly log: Row[];
  readonly sessions: Map<string, string>;
  readonly bearers: Set<string>;
  issueBearer(): string;
  issueSession(): { readonly session: string; readonly security: string };
  forgetSessions(): void;
  addLog(workflow: FakeWorkflow, logType: number, activity: string, message: string): void;
}

const MAPPINGS: readonly Row[] = [
  { '@id': '1', '@name': 'mapRecipient', '@label': 'Recipients', '@schema': 'nms:recipient', '@targetSchema': 'nms:recipient', '@builtIn': '1' },
  { '@id': '2', '@name': 'mapVisitor', '@label': 'Visitors', '@schema': 'nms:visitor', '@targetSchema': 'nms:visitor', '@builtIn': '1' },
  { '@id': '3', '@name': 'mapExternalFile', '@label': 'External file', '@schema': '', '@targetSchema': '', '@builtIn': '1' },
];

const SETUP: CampaignSetup = {
  instance: 'acme_mkt_prod1',
  version: '8.6.2',
  build: '9396',
  users: { reconcile: 'secret' },
  ims: { clientId: 'client-1', clientSecret: 'client-secret-1', tokenSeconds: 86_400 },
  mappings: MAPPINGS,
  workflows: [{ id: '4711', internalName: 'WKFsegmentImport', label: 'Segment import', state: 11, failed: false }],
  schemas: {
    'nms:recipient': ['email', 'firstName', 'lastName', 'mobilePhone', 'birthDate', 'account', 'customerId', 'income'],
    'nms:visitor': ['email', 'externalId'],
  },
  mappingColumns: ['@id', '@name', '@label', '@schema', '@targetSchema', '@builtIn'],
  behaviour: 'ok',
  importMs: 0,
  logHidden: false,
  now: () => Date.now(),
};

export function createCampaignState(setup: Partial<CampaignSetup>): CampaignState {
  const chosen = { ...SETUP, ...setup };
  let counter = 0;
  const next = (prefix: string): string => `${prefix}${(counter += 1)}-${Math.trunc(chosen.now()).toString(36)}`;
  const state: CampaignState = {
    ...chosen,
    workflows: chosen.workflows.map((workflow) => ({ ...workflow })),
    events: [],
    log: [],
    sessions: new Map(),
    bearers: new Set(),
    issueBearer() {
      const token = next('ims-CANARY-bearer-');
      state.bearers.add(token);
      return token;
    },
    issueSession() {
      const issued = { session: `___${next('CANARY-session-')}`, security: `@${next('CANARY-security-')}` };
      state.sessions.set(issued.session, issued.security);
      return issued;
    },
    forgetSessions() {
      state.sessions.clear();
      state.bearers.clear();
    },
    addLog(workflow, logType, activity, message) {
      const id = String(100_000 + state.log.length + 1);
      const date = new Date(chosen.now()).toISOString().replace('T', ' ');
      state.log.push({ '@id': id, '@logDate': date, '@logType': String(logType), '@activity': activity, '@message': message, '@workflow-id': workflow.id });
    },
  };
  for (const workflow of state.workflows) state.addLog(workflow, 2, 'start', 'Workflow started');
  return state;
}
