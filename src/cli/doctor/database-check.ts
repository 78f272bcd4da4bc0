import type { Env } from "../../app/mode.ts";
import { examineStore } from "../../app/store.ts";
import type { Config } from "../../domain/config.ts";
import { isRefusal } from "../../kernel/refusal.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

const ID = "database";

/** Whether the ledger's database can be reached and used; nothing where the ledger is a file. */
export async function checkDatabase(env: Env, config: Config | undefined): Promise<readonly Finding[]> {
  try {
    const found = await examineStore(env, config);
    return found ? judge(found) : [];
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    return [fail(ID, thrown.message, thrown.hint ?? "correct DATABASE_URL or the database, then: hq doctor")];
  }
}

function judge(found: NonNullable<Awaited<ReturnType<typeof examineStore>>>): readonly Finding[] {
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
