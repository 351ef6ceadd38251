/** That somebody wants a run to end, as JSON `{by, at, because?}`; whoever holds the run sees it at the next heartbeat. */
export const migration0003 = `
alter table run add column cancel text;
`;
