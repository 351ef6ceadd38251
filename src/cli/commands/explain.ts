import type { Command } from 'commander';
import type { ExplainedMember } from '../../export/explain-member.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { formatInstant } from '../../model/instant.ts';
import type { ResourceKey } from '../../model/resource.ts';
import type { ExplainedNode } from '../../segment/evaluate/explain-tree.ts';
import type { CommandContext } from '../context.ts';
import { readApplied } from '../read-applied.ts';
import type { RulePlaces } from '../rule-places.ts';

export function configure(command: Command): void {
  command
    .argument('<name>', 'an activation or a segment that is applied; Segment/NAME where both have the name')
    .requiredOption('--member <id>', 'who, by the primary identity');
  command.addHelpText(
    'after',
    `
Why somebody is in or out: each part of the rule with its value and its line, since which slot and in which file, and what keeps them out of the file.
Looks at the source as it is now, by what is applied. Shows the person's own values: mind where the output goes.

Examples:
  reconcile explain emea-newsletter --member crm-1184
  reconcile explain german-recent-buyers --member crm-1184 --now 2026-12-01T00:00:00Z
  reconcile explain emea-newsletter --member crm-1184 --json | jq '.segments[].excluded'`,
  );
}

export async function run(context: CommandContext, [name]: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const { directory, environment, variables, json } = context.options;
  const [{ openProject }, { explainActivation, explainSegment, findExplained }, { createRulePlaces }, { renderExplained }] = await Promise.all([
    import('../../compose.ts'),
    import('../../export/explain-member.ts'),
    import('../rule-places.ts'),
    import('../render-explained.ts'),
  ]);
  await using project = await openProject(context);
  const { resources } = await readApplied(context, project.store);
  const found = findExplained(resources, String(name));
  const deps = project.exportDeps();
  const member = String(options['member']);
  const now = context.options.now ?? context.clock();
  const request = { resources, member, now, signal: context.signal };
  const segments = found.kind === 'Activation' ? await explainActivation(deps, found.name, request) : [await explainSegment(deps, found.name, request)];
  const activation = found.kind === 'Activation' ? found.name : undefined;
  const places = createRulePlaces(resources, { directory, environment, variables });
  if (json) {
    context.out(
      JSON.stringify({ activation: activation ?? null, member, now: formatInstant(now), segments: segments.map((segment) => toJson(segment, places)) }),
    );
    return ExitCode.done;
  }
  context.out(segments.map((segment) => renderExplained(member, activation, segment, places)).join('\n\n'));
  if (places.edited.size > 0)
    context.say(`\n${[...places.edited].join(', ')} edited since applied: shown is what is applied, and the line where it stood then`);
  return ExitCode.done;
}

/** `explain --json`: keys may be added, never changed. */
function toJson({ segment, known, isMember, trees, delivery }: ExplainedMember, places: RulePlaces): object {
  const rule = delivery?.excluded?.rule;
  const place = rule === undefined ? undefined : places.find(rule.key, rule.pointer);
  return {
    segment,
    known,
    member: isMember,
    rules: Object.fromEntries([...trees].map(([name, tree]) => [name, toJsonNode(tree, `Segment/${name}`, places)])),
    ...(delivery === undefined
      ? {}
      : {
          delivered: delivery.delivered,
          since: delivery.since === undefined ? null : formatInstant(delivery.since),
          files: delivery.files,
          unsettled: delivery.unsettled.map(formatInstant),
          exits: delivery.exits,
          excluded:
            delivery.excluded === undefined
              ? null
              : { reason: delivery.excluded.reason, message: delivery.excluded.message, file: place?.file ?? null, line: place?.line ?? null },
        }),
  };
}

function toJsonNode(node: ExplainedNode, key: ResourceKey, places: RulePlaces): object {
  const { file, line } = places.find(key, '/spec/pql', node) ?? {};
  return {
    kind: node.kind,
    text: node.text,
    ...(node.isCondition ? { truth: node.truth ?? null } : {}),
    value: node.value,
    ...(node.items === undefined ? {} : { items: node.items }),
    ...(node.events === undefined ? {} : { events: node.events }),
    ...(node.lacking === undefined ? {} : { lacking: node.lacking }),
    ...(node.segment === undefined ? {} : { segment: node.segment }),
    file: file ?? null,
    line: line ?? null,
    parts: node.children.map((child) => toJsonNode(child, key, places)),
  };
}
