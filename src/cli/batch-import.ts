import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import type { ImportAnswer } from "../api/batch-outputs.ts";
import { type OldBatches, readOldBatches } from "../domain/batch-import.ts";
import { Refusal } from "../kernel/refusal.ts";
import { type BatchCommand, readJson } from "./batch-command.ts";
import { Unreadable } from "./failure.ts";

/** Well below what a request may hold. */
const LARGEST_PART = 400_000;

export function registerBatchImport(group: Command, batch: BatchCommand): void {
  group
    .command("import [file]")
    .description("take over an old workflows.json, each batch once; the file stays as it is")
    .option("--json", "print JSON, as always here")
    .addHelpText(
      "after",
      "\nWithout a file: --ledger before the command, else workflows.json in ORCHESTRATION_DIR.",
    )
    .action((file: string | undefined) => batch.run(() => importFile(batch, file), { ledger: true }));
}

async function importFile(batch: BatchCommand, given: string | undefined): Promise<void> {
  const { io } = batch;
  const folder = io.env.ORCHESTRATION_DIR;
  const named = given ?? batch.ledger() ?? (folder ? join(folder, "workflows.json") : undefined);
  if (named === undefined) {
    throw new Refusal("invalid_input", "Which file?", { hint: "hq batch import memory/workflows.json" });
  }
  const content = readJson(named, await read(resolve(io.cwd, named), named));
  const old = readOldBatches(content);
  if ("problems" in old) {
    throw new Refusal("invalid_input", `${named} is no ledger of batches; nothing was imported.`, {
      problems: old.problems,
    });
  }
  const answers: ImportAnswer[] = [];
  for (const workflows of partsOf(old)) {
    const call = {
      method: "POST",
      path: "/batches/import",
      body: { workflows },
      isRepeatable: true,
    } as const;
    answers.push(await batch.ask<ImportAnswer>(call));
  }
  batch.print({
    outcome: "imported",
    imported: answers.flatMap(({ imported }) => imported),
    already_there: answers.flatMap(({ already_there }) => already_there),
    corrected: answers.flatMap(({ corrected }) => corrected),
  });
}

async function read(path: string, named: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new Unreadable(
      `${named} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Whole batches, in requests that are not too large; at least one, so that an empty file is answered too. */
function partsOf({ workflows }: OldBatches): readonly OldBatches["workflows"][] {
  const parts: OldBatches["workflows"][] = [{}];
  let size = 0;
  for (const [id, one] of Object.entries(workflows)) {
    const length = Buffer.byteLength(JSON.stringify(one));
    if (size > 0 && size + length > LARGEST_PART) {
      parts.push({});
      size = 0;
    }
    const part = parts.at(-1);
    if (part) part[id] = one;
    size += length;
  }
  return parts;
}
