import type { Team } from "../accounts/schema.ts";
import { listTeams } from "../accounts/store.ts";
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";

/** The team a command is about: the one `--team` names, by id or name, or the only one there is. */
export async function pickTeam(app: App, wanted: string | undefined): Promise<Team> {
  const teams = await listTeams(app.db);
  if (teams.length === 0) throw new Refusal("not_found", "There is no team yet: run `mailit setup` first.");
  const found =
    wanted === undefined ? teams : teams.filter(({ id, name }) => id === wanted || name === wanted);
  const [team, another] = found;
  if (!team) throw new Refusal("not_found", `There is no team ${wanted}; there is ${named(teams)}.`);
  if (another) throw new Refusal("invalid_parameter", `Say which team with --team: ${named(found)}.`);
  return team;
}

const named = (teams: Team[]) => teams.map(({ id, name }) => `${name} (${id})`).join(", ");
