/** The one name that is needed of the library, in a module of its own: imported by name it can be bundled and is still only loaded with the first database. */
export { DuckDBInstance } from '@duckdb/node-api';
