import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { isMap, isScalar, parseDocument } from "yaml";
import type { ChannelRole } from "../domain/effects.ts";
import { Refusal } from "../kernel/refusal.ts";
import { writeAtomically } from "./atomic-file.ts";

const NEW_FILE =
  "# yaml-language-server: $schema=schema/channels.json\n# Which channel of the guild is what.\n";

/** Writes the guild's channels into channels.yaml: roles that are given, and all ids anew. Comments and the rest stay. */
export function writeChannels(
  file: string,
  found: {
    readonly roles: Readonly<Partial<Record<ChannelRole, string>>>;
    readonly ids: Readonly<Record<string, string>>;
  },
): void {
  const text = existsSync(file) ? readFileSync(file, "utf8") : NEW_FILE;
  const document = parseDocument(text, { prettyErrors: false, stringKeys: true });
  const isSound = document.errors.length === 0 && (document.contents === null || isMap(document.contents));
  if (!isSound) {
    throw new Refusal("invalid_input", `${file} cannot be read as YAML`, {
      hint: 'Run "hq check", mend the file, and run setup again.',
    });
  }
  for (const [role, name] of Object.entries(found.roles)) document.setIn(["roles", role], name);
  const ids = document.createNode(found.ids);
  for (const pair of isMap(ids) ? ids.items : []) {
    if (isScalar(pair.value)) pair.value.type = "QUOTE_DOUBLE";
  }
  if (isMap(ids)) ids.flow = false;
  document.set("ids", ids);
  mkdirSync(dirname(file), { recursive: true });
  writeAtomically(file, document.toString({ lineWidth: 0, flowCollectionPadding: false }));
}
