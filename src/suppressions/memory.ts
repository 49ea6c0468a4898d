import { ShortMemory } from "../short-memory.ts";

/** Whether a team has any suppression at all: most have none at first, and every email they send would look for its own. */
export const teamsWithAny = new ShortMemory<boolean>();
