import type { Kind } from '../model/resource.ts';
import { explainSchemaError, type PointedProblem } from './explain-schema-error.ts';
import {
  validateActivation,
  validateAlert,
  validateAttributes,
  validateDestination,
  validatePolicy,
  validateProject,
  validateRole,
  validateSegment,
  validateSource,
  type SchemaValidator,
} from './generated/validators.js';

const VALIDATORS: Readonly<Record<Kind, SchemaValidator>> = {
  Project: validateProject,
  Source: validateSource,
  Attributes: validateAttributes,
  Segment: validateSegment,
  Policy: validatePolicy,
  Role: validateRole,
  Destination: validateDestination,
  Activation: validateActivation,
  Alert: validateAlert,
};

/** Everything wrong with a document of a kind, by its schema. Empty when it holds. */
export function checkSchema(kind: Kind, document: unknown): readonly PointedProblem[] {
  const validate = VALIDATORS[kind];
  if (validate(document)) return [];
  const problems = new Map<string, PointedProblem>();
  for (const error of validate.errors ?? []) {
    const problem = explainSchemaError(error, document);
    if (problem !== undefined) problems.set(`${problem.part} ${problem.pointer} ${problem.message}`, problem);
  }
  return [...problems.values()];
}
