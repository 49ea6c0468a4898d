import { Type as t } from "@sinclair/typebox";
import { defineJob } from "../jobs/job.ts";

/** Makes one attempt at one delivery, whose id the job shares; waits in the lane of the recipient's domain. */
export const deliver = defineJob("deliver", t.Object({ deliveryId: t.String() }), { permits: 256 });
