/** @jsxImportSource preact */
import type { NotSending as Domain } from "../../src/domains/service.ts";

/** That nothing can be sent from a domain, and where that is mended. */
export function NotSending({ name, id, isVerified }: Domain) {
  const path = id === undefined ? "/admin/domains/new" : `/admin/domains/${id}`;
  const [why, cure] =
    id === undefined
      ? ["is no domain of your team", "Add it and verify it"]
      : isVerified
        ? ["does not send", "Enable sending for it"]
        : ["is not verified", "Verify it"];
  return (
    <p class="warning">
      It can't be sent from {name}, which {why}. <a href={path}>{cure}</a>, or take another address as From.
    </p>
  );
}
