import type { Kind } from '../model/resource.ts';

/**
 * Lists whose order means nothing, as paths below `spec` with `*` for any key or index. Everything else that is a list is ordered.
 * `test/unit/plan/list-shapes.test.ts` checks each against the schemas.
 */
export const SET_LISTS: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  Attributes: ['identities/*/labels', 'fields/*/labels', 'events/fields/*/labels'],
  Destination: ['marketingActions', 'connection/auth/scopes'],
  Activation: ['mapping/*/expect/values'],
  Alert: ['on', 'activations', 'channels', 'channels/*/to'],
  Policy: ['marketingActions', 'labels', 'consents/*'],
  Role: ['permissions', 'labels', 'subjects'],
};

/**
 * Keys that say the same when they hold this value as when they are absent. Only where nothing else (a card, an activation around an override)
 * can decide what absence means.
 */
export const DEFAULTS: Readonly<Partial<Record<Kind, Readonly<Record<string, unknown>>>>> = {
  Attributes: { badValues: 'fail', 'identities/*/primary': false },
  Activation: {
    export: 'full',
    missed: 'latest',
    suspend: false,
    'guards/maxRemovedPercent': 50,
    'guards/minMembers': 0,
    'mapping/*/mandatory': false,
    'mapping/*/key': false,
  },
  Policy: { enabled: false },
};
