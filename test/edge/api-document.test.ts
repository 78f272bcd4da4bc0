import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";

type Parameter = {
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly schema: { readonly enum?: readonly string[]; readonly pattern?: string; readonly type?: string };
};
type Schema = { readonly required?: readonly string[]; readonly anyOf?: readonly Schema[] };
type Operation = {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
  readonly responses: Readonly<Record<string, unknown>>;
};
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };
type Problem = { readonly code?: string; readonly problems?: readonly { readonly path: string }[] };

const STOP = "/api/v1/stop";
const JSON_TYPE = "application/json";
const isDocumented = ({ responses }: Operation, status: number) =>
  String(status) in responses ||
  Object.keys(responses).some((key) => key.toLowerCase() === `${Math.floor(status / 100)}xx`);

/** Either of two has to be there, or the credential is looked at first: more than the document can say. */
const ELSEWHERE = [
  "DELETE /api/v1/tasks: without anything 400",
  "POST /api/v1/page/session: cannot do without key",
  "POST /api/v1/handoffs/{runId}: without anything 401",
  "POST /api/v1/handoffs/{runId}/artifacts/{name}: without anything 401",
  "PUT /api/v1/handoffs/{runId}/artifacts/{name}: without anything 401",
];

/** The path with words in it that could be right. */
function placed(path: string, { parameters = [] }: Operation): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const { enum: words, type } = parameters.find((one) => one.name === name)?.schema ?? {};
    return words?.[0] ?? (type === "integer" || type === "number" || name === "stage" ? "0" : "x1");
  });
}

/** Whatever the verb said: what was asked could be read. */
const isTaken = ({ status }: { readonly status: number }) => status !== 400;

test("what the OpenAPI document says of bodies, parameters and answers is what the server does", async (t) => {
  const folder = temporaryFolder("hq-document-");
  t.after(folder.remove);
  const supervisor = await startSupervisor(folder.path);
  t.after(supervisor.stop);
  const key = readFileSync(join(folder.path, "api.key"), "utf8").trim();
  const { paths }: Document = (await supervisor.call("GET", "/openapi.json")).body;
  const file = paths["/api/v1/handoffs/{runId}/artifacts/{name}"]?.["put"]?.requestBody;
  assert.deepEqual(Object.keys(file?.content ?? {}), ["application/octet-stream"], "a file is sent as it is");
  const wrong: string[] = [];
  let asked = 0;
  // Nothing can be asked after it.
  const last = ([path]: readonly [string, unknown]) => Number(path === STOP);
  for (const [path, methods] of Object.entries(paths).sort((a, b) => last(a) - last(b))) {
    for (const [method, operation] of Object.entries(methods)) {
      const name = `${method.toUpperCase()} ${path}`;
      const ask = async (query: string, body?: string, type: string = JSON_TYPE) => {
        asked++;
        const ended = new AbortController();
        const answer = await fetch(`${supervisor.ready.api}${placed(path, operation)}${query}`, {
          method: method.toUpperCase(),
          signal: ended.signal,
          headers: {
            authorization: `Bearer ${key}`,
            ...(body === undefined ? {} : { "content-type": type }),
          },
          ...(body === undefined ? {} : { body }),
        });
        const isProblem = answer.headers.get("content-type")?.includes("json") && answer.status >= 400;
        const said = isProblem ? await answer.json() : {};
        ended.abort();
        if (!isDocumented(operation, answer.status)) wrong.push(`${name}: ${answer.status} is not told`);
        const { problems = [], code } = said as Problem;
        return { status: answer.status, paths: problems.map((one) => one.path), isOurs: code !== undefined };
      };
      const queries = operation.parameters?.filter((one) => one.in === "query") ?? [];
      const needed = queries.filter(({ required }) => required).map((one) => one.name);
      const { requestBody } = operation;
      const bare = await ask("");
      const isRefused = needed.length > 0 || requestBody?.required === true;
      if (isTaken(bare) === isRefused) wrong.push(`${name}: without anything ${bare.status}`);
      const missing = needed.filter((one) => !bare.paths.includes(one));
      if (missing.length > 0) wrong.push(`${name}: can do without ${missing.join()}`);
      if (path === STOP) continue;
      const odd = await ask("?nonsense=1");
      if (queries.length > 0 && isTaken(odd)) wrong.push(`${name}: takes any query`);
      const schema = requestBody?.content[JSON_TYPE]?.schema;
      if (!schema) continue;
      const fields = schema.required ?? [];
      const empty = await ask("", "{}");
      if (fields.length > 0 && isTaken(empty)) wrong.push(`${name}: can do without ${fields.join()}`);
      const free = fields.filter((field) => !empty.paths.includes(field));
      if (empty.isOurs && free.length > 0) wrong.push(`${name}: can do without ${free.join()}`);
      const unsaid = empty.paths.filter((field) => field !== "" && !fields.includes(field));
      if (!schema.anyOf && unsaid.length > 0) wrong.push(`${name}: cannot do without ${unsaid.join()}`);
    }
  }
  assert.ok(asked > 0);
  assert.deepEqual(wrong.sort(), ELSEWHERE.toSorted());
});
