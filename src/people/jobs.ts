import { Type as t } from "@sinclair/typebox";
import { defineJob } from "../jobs/job.ts";

/** Walks through the tables and erases one person from them; the lane is the team. */
export const erasePerson = defineJob("erase_person", t.Object({ erasureId: t.String() }), {
  permits: 2,
  permitsPerLane: 1,
});
