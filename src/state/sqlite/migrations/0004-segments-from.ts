/** Since when the segments that an Activation got later are among its own, as JSON `{segment: milliseconds}`; of all others `active_from` says it. */
export const migration0004 = `
alter table resource add column segments_from text;
`;
