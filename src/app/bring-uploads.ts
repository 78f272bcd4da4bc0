import type { Config } from "../domain/config.ts";
import { readUploadPath, type Upload, uploadPath } from "../domain/uploads.ts";
import type { Engine } from "../engine/accept.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import { uploadBlob } from "../engine/upload.ts";
import { createUploadFiles } from "../handoffs/upload-files.ts";

/**
 * Sees to it that files which were handed in over REST lie here: another supervisor on the same ledger may have got
 * them. What is there already is left alone, when it is the file that the ledger knows.
 */
export async function bringUploads(
  deps: { readonly engine: Engine; readonly ledger: Ledger; readonly config: () => Config },
  paths: readonly string[],
): Promise<void> {
  const files = createUploadFiles(() => deps.config().settings.handoffs.dir);
  for (const path of paths) {
    const place = readUploadPath(path);
    const upload = place && (await findUpload(deps.engine, place));
    if (!place || !upload || (await files.has(place, upload.digest))) continue;
    const body = await deps.ledger.blob(uploadBlob(place.run, upload));
    if (body === undefined) continue;
    const taken = await files.take(place, once(Buffer.from(body, "base64")), upload.bytes);
    if (taken.digest === upload.digest) await taken.keep();
    else await taken.drop();
  }
}

async function findUpload(
  engine: Engine,
  { run, attempt, name }: { readonly run: string; readonly attempt: number; readonly name: string },
): Promise<Upload | undefined> {
  const state = await engine.read("delegation", run);
  return state?.uploads?.find((upload) => uploadPath(run, upload) === uploadPath(run, { attempt, name }));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
