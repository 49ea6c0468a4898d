import { type Given, quoted } from "./mistake.ts";
import { nearest } from "./nearest.ts";
import { type NamedKey, namedKeys } from "./schema.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables with our prefix that are no keys: the installer's, the tests' and the command line's own. */
const reserved = /^MAILIT_(RELEASE_URL|CONFIG|TEST_.*)$/;

/** What the environment says about keys. An empty variable counts as none: that is how compose files leave one out. */
export function readEnvironment(env: Environment, mistakes: string[]): Given[] {
  const known = new Set<string>();
  const given = namedKeys.flatMap((named) => {
    const names = variablesOf(named);
    for (const name of names) known.add(name);
    const set = names.filter((name) => isSet(env[name]));
    const [first, second] = set;
    if (first !== undefined && second !== undefined && env[first] !== env[second]) {
      mistakes.push(
        `${first} and ${second} are two names of one setting, but their values differ; set only one of them.`,
      );
    }
    return set.map((name) => ({ path: named.path, name, input: env[name] }));
  });

  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith("MAILIT_") || known.has(name) || reserved.test(name) || !isSet(value)) continue;
    if (isServiceLink(name, value)) continue;
    const ours = [...known];
    const meant = nearest(name, ours) ?? nearest(name.slice("MAILIT_".length), ours);
    const advice = meant === undefined ? "README lists the ones there are." : `did you mean ${meant}?`;
    mistakes.push(`${quoted(name)} is no variable that MailIt knows; ${advice}`);
  }
  return given;
}

const isSet = (value: string | undefined): value is string => value !== undefined && value.trim() !== "";

const variablesOf = ({ env, key }: NamedKey) => (key.alias === undefined ? [env] : [env, key.alias]);

/**
 * Whether a container runtime made the variable: Kubernetes gives every pod MAILIT_SERVICE_HOST, MAILIT_PORT,
 * MAILIT_PORT_8080_TCP_ADDR and more where a service is called `mailit`, which is what people call it.
 */
function isServiceLink(name: string, value: string): boolean {
  return (
    /_SERVICE_(HOST|PORT(_\w+)?)$/.test(name) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
    (name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(value))
  );
}
