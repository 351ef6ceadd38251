import type { Resource } from '../model/resource.ts';
import type { Reporter } from './reporter.ts';
import type { ResourceIndex } from './resource-index.ts';

/**
 * What the schemas describe and this version does not do. When it would change who or what leaves, it is an error: never accepted and ignored
 * (contract section 6). A disabled policy changes nothing; an Alert changes no file, so it is a warning.
 */
export function checkEnforced(index: ResourceIndex, report: Reporter): void {
  const refuse = (resource: Resource, pointer: string, what: string, hint: string): void =>
    report.at(resource, pointer, { part: 'key', code: 'RC1310', message: `this version does not ${what} and refuses to ignore it`, hint });
  for (const source of index.all('Source')) {
    const { engine } = source.spec;
    if (engine !== 'duckdb') {
      report.at(source, '/spec/engine', {
        code: 'RC1310',
        message: `this version cannot read from \`${engine}\``,
        hint: 'use `engine: duckdb` over files, such as an extract of the tables',
      });
    }
  }
  for (const attributes of index.all('Attributes')) {
    if (Object.keys(attributes.spec.consents ?? {}).length > 0) {
      refuse(attributes, '/spec/consents', 'enforce consents', 'declare the column under fields and say in each segment’s PQL who may be written to');
    }
  }
  for (const policy of index.all('Policy')) {
    if (policy.spec.enabled === true)
      refuse(policy, '/spec/enabled', 'enforce policies', 'write `enabled: false` to keep it as a draft, and check by hand what it would forbid');
    else if (policy.spec.enabled === undefined) {
      report.at(policy, '/kind', {
        severity: 'warning',
        part: 'key',
        code: 'RC1311',
        message: `the policy \`${policy.metadata.name}\` is a draft and forbids nothing: it does not say \`enabled\``,
        hint: 'write `enabled: false` when that is meant; this version enforces no policies',
      });
    }
  }
  for (const role of index.all('Role')) {
    refuse(role, '/kind', 'enforce roles', 'remove it; who may change what is decided by who may change the repository and run apply');
  }
  for (const alert of index.all('Alert')) {
    report.at(alert, '/kind', {
      severity: 'warning',
      part: 'key',
      code: 'RC1311',
      message: `this version sends no alerts: \`${alert.metadata.name}\` tells nobody`,
      hint: 'watch the exit codes of run and watch meanwhile',
    });
  }
}
