import { Type as t } from "@sinclair/typebox";
import { defineJob } from "../jobs/job.ts";

/** Moves one broadcast on, from its start to its end; waits in a lane of the broadcast's own. */
export const conduct = defineJob("conduct_broadcast", t.Object({ broadcastId: t.String() }), {
  permits: 8,
  permitsPerLane: 1,
});
