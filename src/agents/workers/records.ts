import { agentsIn, placeOf, recordedIn, type WorkerPlace } from "./place.ts";
import { isThere, readRecord, type WorkerRecord } from "./record.ts";

export type FoundRecord = { readonly record: WorkerRecord; readonly place: WorkerPlace };

/** Every worker on disk that has no end yet. */
export async function findRecords(dir: string): Promise<readonly FoundRecord[]> {
  const found: FoundRecord[] = [];
  for (const agent of agentsIn(dir)) {
    for (const name of recordedIn(dir, agent)) {
      const place = placeOf(dir, agent, name);
      const record = (await isThere(place.end)) ? undefined : await readRecord(place.record);
      if (record) found.push({ record, place });
    }
  }
  return found;
}
