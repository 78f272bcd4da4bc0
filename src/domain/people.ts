import type { Actor, Right } from "./actor.ts";

/** What an entry gives: the row of an agent in the matrix, rights of one's own, or both. */
export type Grant = { readonly as?: string; readonly rights: readonly Right[] };

export type RoleGrant = Grant & {
  /** A role's name or its id. */
  readonly role: string;
};
export type UserGrant = Grant & {
  /** A user's id: names can be taken over, ids cannot. */
  readonly user: string;
};

/** Who in the guild may do what, as written in config/acl.yaml; earlier role entries decide `as` before later ones. */
export type People = { readonly roles: readonly RoleGrant[]; readonly users: readonly UserGrant[] };

/** The same with every role known by its id. */
export type ResolvedPeople = {
  readonly byUser: ReadonlyMap<string, Grant>;
  readonly byRole: readonly (Grant & { readonly roleId: string })[];
};

const SNOWFLAKE = /^\d{17,20}$/;

/**
 * Turns role names into ids. `resolveRole` answers undefined for a name that the guild lacks or has twice;
 * such entries give nothing and are named in `unresolved`.
 */
export function resolvePeople(
  people: People,
  resolveRole: (name: string) => string | undefined,
): { readonly people: ResolvedPeople; readonly unresolved: readonly string[] } {
  const unresolved: string[] = [];
  const byRole = people.roles.flatMap(({ role, ...grant }) => {
    const roleId = SNOWFLAKE.test(role) ? role : resolveRole(role);
    if (roleId === undefined) unresolved.push(role);
    return roleId === undefined ? [] : [{ ...grant, roleId }];
  });
  const byUser = new Map(people.users.map(({ user, ...grant }) => [user, grant]));
  return { people: { byRole, byUser }, unresolved };
}

/**
 * Who a person of the guild is to the rest of the system. Rights add up over their entries; the agent they
 * stand for comes from their own entry, else from their first role entry. Without any entry: no rights.
 */
export function actorForPerson(
  people: ResolvedPeople,
  person: {
    readonly id: string;
    readonly name: string;
    readonly roleIds: readonly string[];
    /** The same with their names, for gates that name a role. */
    readonly roles?: readonly { readonly id: string; readonly name: string }[];
  },
): Actor & { readonly kind: "person" } {
  const own = people.byUser.get(person.id);
  const grants: readonly Grant[] = [
    ...(own ? [own] : []),
    ...people.byRole.filter((grant) => person.roleIds.includes(grant.roleId)),
  ];
  const as = grants.find((grant) => grant.as !== undefined)?.as;
  const rights = [...new Set(grants.flatMap((grant) => grant.rights))];
  return {
    kind: "person",
    id: person.id,
    name: person.name,
    rights,
    ...(as === undefined ? {} : { as }),
    ...(person.roles === undefined ? {} : { roles: person.roles }),
  };
}
