import type { Instant } from '../model/instant.ts';
import type { ActivationGuardsSpec, AttributesSpec, DestinationSpec } from '../model/generated/kinds.ts';
import type { ExportMode } from '../model/run.ts';
import type { Sql } from '../sql/sql.ts';
import type { Audience } from './audience.ts';
import type { FileSettings } from './file-settings.ts';
import type { AllowOnce } from './guards.ts';
import type { CompiledExpression, SettledMapping } from './output-columns.ts';
import type { Suppressions } from './suppression.ts';
import type { ByteStage } from './write-file.ts';

/** Everything that is settled about one segment's export before its data is looked at. */
export interface SegmentJob {
  readonly activation: string;
  readonly segment: string;
  readonly mode: ExportMode;
  readonly slot: Instant | null;
  /** What `now` and the time tokens of names mean. */
  readonly time: Instant;
  readonly attributesName: string;
  readonly attributes: AttributesSpec;
  readonly destinationName: string;
  readonly destination: DestinationSpec;
  readonly audience: Audience;
  readonly mapping: readonly SettledMapping[];
  readonly expressions: ReadonlyMap<string, CompiledExpression>;
  /** Attribute and event paths that expressions read. */
  readonly expressionPaths: { readonly profile: readonly string[]; readonly event: readonly string[] | undefined };
  /** What expressions join to `profile p`; nothing for most. */
  readonly calculated: Sql;
  /** What is joined there, when it is computed of events. */
  readonly calculatedRows: Sql | undefined;
  readonly file: FileSettings;
  readonly guards: ActivationGuardsSpec | undefined;
  /** Stages behind compression. */
  readonly stages: readonly ByteStage[];
  /** Digest of the keys that they encrypt to; undefined where they do not, or before they are asked for. */
  readonly keys?: string | undefined;
  /** Key of a part, counted from 1; its folder included. */
  readonly partKey: (index: number) => string;
  /** Folder of the keys, empty or ending in `/`. */
  readonly folder: string;
  /** Where the files go, as a digest; another one starts again with everybody. */
  readonly target: string;
  /** Where rows go that the connector takes itself, as a digest. */
  readonly endpoint: string | undefined;
  /** What somebody lets pass for this run. */
  readonly allow: AllowOnce | undefined;
  /** The command that takes this run up again, `RUN` standing for its id; what lets it pass a guard is added to it. */
  readonly again: string;
  /** People who are never exported again. */
  readonly suppressions?: Suppressions | undefined;
}
