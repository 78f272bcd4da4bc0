import { sumOf } from "../../domain/figures.ts";
import type { Tally } from "../../domain/tally.ts";
import type { Tallies } from "../../engine/ports/tallies.ts";
import { createOneByOne } from "../../kernel/one-by-one.ts";
import type { Row } from "../rows.ts";
import { POSITION, toTally } from "../tallies.ts";
import type { Read } from "./connect.ts";
import type { Writer } from "./writer.ts";

/** What is kept is read, added to and written back; the database takes it only while the position is where it was. */
export function createTallies({
  read,
  write,
}: {
  readonly read: Read;
  readonly write: Writer["write"];
}): Tallies {
  const oneByOne = createOneByOne();

  async function kept(tallies: readonly Tally[]): Promise<ReadonlyMap<string, Tally>> {
    const text = `select t.* from jsonb_to_recordset($1) as k (span text, at bigint, kind text, agent text, workflow text, status text)
      join tally t on t.span = k.span and t.at = k.at and t.kind = k.kind and t.agent = k.agent and t.workflow = k.workflow
        and t.status = k.status`;
    const rows = await read<Row>("tallies-of", text, [
      JSON.stringify(tallies.map((tally) => ({ ...tally, figures: undefined }))),
    ]);
    return new Map(rows.map(toTally).map((tally) => [nameOf(tally), tally]));
  }

  async function addNow({ from, to, tallies }: Parameters<Tallies["add"]>[0]): Promise<boolean> {
    const all = new Map(await kept(tallies));
    for (const tally of tallies) {
      const before = all.get(nameOf(tally));
      all.set(
        nameOf(tally),
        before ? { ...tally, figures: sumOf([before.figures, tally.figures]).figures() } : tally,
      );
    }
    const list = [...all.values()].map(rowOf);
    return (await write<{ added: boolean }>({ do: "tally", name: POSITION, from, to: String(to), list }))
      .added;
  }

  return {
    async position() {
      const [row] = await read<Row>("memo", "select value from memo where name = $1", [POSITION]);
      return Number(row?.["value"] ?? 0);
    },
    // In the order of the calls: the first of two wins.
    add: (counted) => oneByOne(() => addNow(counted)),
    async read({ span, from, until, kind }) {
      const text = `select * from tally where span = $1 and at >= $2 and at < $3 and ($4::text is null or kind = $4)`;
      return (await read<Row>("tallies", text, [span, from, until, kind ?? null])).map(toTally);
    },
    async oldestOpen({ kind, status }) {
      const text = "select id from stream where kind = $1 and status = $2 and open = 1 order by seq limit 1";
      const [row] = await read<Row>("oldest-open", text, [kind, status]);
      return row?.["id"] as string | undefined;
    },
  };
}

const rowOf = ({ span, at, kind, agent, workflow, status, figures }: Tally) => [
  span,
  at,
  kind,
  agent,
  workflow,
  status,
  JSON.stringify(figures),
];

const nameOf = ({ span, at, kind, agent, workflow, status }: Tally) =>
  JSON.stringify([span, at, kind, agent, workflow, status]);
