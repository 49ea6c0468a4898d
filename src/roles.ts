/** What a member of a team may do, the least first; each may do what those before it may. */
export const roles = ["viewer", "developer", "admin", "owner"] as const;
export type Role = (typeof roles)[number];

/** A viewer looks, a developer does all that concerns mail, an admin also looks after people, an owner after owners. */
export function atLeast(role: Role, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least);
}
