// Generated from schemas/ by `npm run generate`; do not edit.

export interface SchemaError {
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Set when a key, not a value, is wrong. */
  readonly propertyName?: string;
}

export interface SchemaValidator {
  (data: unknown): boolean;
  errors?: readonly SchemaError[] | null;
}

export const validateActivation: SchemaValidator;
export const validateAlert: SchemaValidator;
export const validateAttributes: SchemaValidator;
export const validateDestinationCard: SchemaValidator;
export const validateDestination: SchemaValidator;
export const validatePolicy: SchemaValidator;
export const validateProject: SchemaValidator;
export const validateRole: SchemaValidator;
export const validateSegment: SchemaValidator;
export const validateSource: SchemaValidator;
