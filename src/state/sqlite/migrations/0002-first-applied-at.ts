/** When an Activation was applied first; `active_from` moves with an edit of the schedule and a resume. Null: it is not known better than `active_from`. */
export const migration0002 = `
alter table resource add column first_applied_at integer;
`;
