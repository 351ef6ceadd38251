/**
 * `audience-reconciler/testing`: the suites that this project's own storages and connectors pass, for those of others. They run under the caller's vitest.
 */
export { describeConnector, type ConnectorUnderTest } from './connector-suite.ts';
export { storageFaultSuite, type FaultPlace, type FaultSuiteOptions } from './storage-fault-suite.ts';
export { storageSuite, type StoragePlace, type StorageSuiteOptions } from './storage-suite.ts';
export type { Connector, DeliveredBatch } from '../../src/destination/connector.ts';
export { StorageError } from '../../src/storage/storage-error.ts';
export type { LocalFile, PublishOptions, Storage, StorageErrorKind, StorageFacts, StoredObject } from '../../src/storage/storage.ts';
