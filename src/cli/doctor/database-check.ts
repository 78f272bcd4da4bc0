import { nameOf } from "../../app/elsewhere.ts";
import type { Env } from "../../app/mode.ts";
import { databaseOf, examineFile, examineStore, lacksFile } from "../../app/store.ts";
import type { Config } from "../../domain/config.ts";
import { adviceFor, differencesOf, standsBackText } from "../../domain/member.ts";
import type { MemberView } from "../../engine/verbs.ts";
import { isRefusal } from "../../kernel/refusal.ts";
import { counted, oneLine } from "../../kernel/text.ts";
import { formatDuration } from "../../kernel/time.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

const ID = "database";
const RESTORE = "if it was lost: hq restore --force with the last backup";

const DAMAGED =
  "hq stop, and keep a copy of ledger.db with its -wal and -shm; then hq restore --force with the last backup";

type Found = NonNullable<Awaited<ReturnType<typeof examineStore>>>;

/** Whether the ledger's database can be reached and used; nothing where the ledger is a file that is there or not begun. */
export async function checkDatabase(
  env: Env,
  config: Config | undefined,
  home: string,
): Promise<readonly Finding[]> {
  try {
    const found = await examineStore(env, config, home);
    return found ? [...judge(found), ...membersIn(found)] : [];
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    return [fail(ID, thrown.message, thrown.hint ?? "correct DATABASE_URL or the database, then: hq doctor")];
  }
}

/** Whether this program can go on with the file that is the ledger; nothing where there is none, or a database. */
export function checkLedgerFile(env: Env, config: Config | undefined, home: string): readonly Finding[] {
  if (databaseOf(env, config) !== undefined) return [];
  try {
    const found = examineFile(home);
    if (!found) {
      // What is not valid may name a database.
      if (!config || !lacksFile(home)) return [];
      const text = "a supervisor has worked here, and there is none: the next start begins a new one";
      return [warn("ledger", text, RESTORE)];
    }
    const { version, ours, damage, notLooked } = found;
    if (damage !== undefined) return [fail("ledger", `it is damaged: ${oneLine(damage)}`, DAMAGED)];
    const size = `${Math.floor((notLooked ?? 0) / 1024 / 1024)} MiB`;
    const more =
      notLooked === undefined ? "" : `; ${size} are not looked at for damage here: hq backup does that`;
    if (version === ours) return [ok("ledger", `version ${version}${more}`)];
    if (version === 0) return [warn("ledger", "it is empty: the next start begins a new one in it", RESTORE)];
    const text = `version ${version}: an older program wrote it, and the next start brings it to version ${ours}`;
    return [warn("ledger", text, "hq backup first: the older program cannot use it any more after that")];
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    return [fail("ledger", thrown.message, thrown.hint ?? "mend it, then: hq doctor")];
  }
}

/** Who works on it now; versions more than a step apart do not go together. */
function membersIn({ members }: Found): readonly Finding[] {
  if (members.length === 0) return [];
  const known = members.map(({ facts, ...member }) => ({ ...member, ...factsIn(facts) }));
  const differences = differencesOf(known);
  const all = known.map((member) => {
    const { version, agoMs, behind = 0, leads, standsBack } = member;
    const differs = differences.get(member.home);
    const said = [
      version,
      ...(leads ? ["leads on Discord"] : []),
      ...(behind > 0 ? [`${counted(behind, "event")} behind`] : []),
      ...(differs ? [`other ${differs.join(", ")} than the one that leads`] : []),
      ...(standsBack ? [standsBackText(standsBack, Date.now())] : []),
      `heard ${formatDuration(agoMs)} ago`,
    ];
    return `${nameOf(member)} (${said.join(", ")})`;
  });
  const text = `${members.length} at work: ${all.join(", ")}`;
  const back = known.filter(({ standsBack }) => standsBack);
  if (differences.size === 0 && back.length === 0) return [ok("members", text)];
  const mend = [
    ...(differences.size > 0 ? [adviceFor([...new Set([...differences.values()].flat())])] : []),
    ...back.map((member) => `see whether Discord is reached from there: hq doctor, at ${nameOf(member)}`),
  ];
  return [warn("members", text, mend.join("; "))];
}

type Facts = Pick<MemberView, "host" | "behind" | "isTemporary" | "config" | "standsBack">;

/** Nothing of one that has not said anything yet. */
function factsIn(text: string | undefined): Facts {
  return text ? (JSON.parse(text) as Facts) : {};
}

function judge(found: Found): readonly Finding[] {
  const { place, server, version, mayMake, isEncrypted, isSafe } = found;
  if (version === undefined && !mayMake)
    return [
      fail(
        ID,
        `${place} is empty, and this user may make nothing there`,
        "grant create on database … to …, as its owner",
      ),
    ];
  const ledger =
    version === undefined ? "no ledger yet: the first start makes it" : `ledger version ${version}`;
  const text = `${place}: PostgreSQL ${server}, ${ledger}${isEncrypted ? ", with TLS" : ""}`;
  if (isSafe) return [ok(ID, text)];
  const mend = "set fsync = on and full_page_writes = on in postgresql.conf";
  return [warn(ID, `${text}; a power loss may take what it acknowledged`, mend)];
}
