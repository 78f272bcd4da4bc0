import type { JsonObject, TaskTemplate, TemplateValues } from "./template-types.ts";
import { listIn, listOf, objectOf, STRING, textIn, titled } from "./words.ts";

const FORMS: Readonly<Record<string, string>> = {
  json: "A JSON array with an object for each record, by this schema.",
  csv: "One JSON object: `rows` is the number of records, `text` is CSV with a line of names first.",
  markdown_table:
    "One JSON object: `rows` is the number of records, `text` is a Markdown table with a line of names first.",
};

const recordOf = (values: TemplateValues) => values["extract_schema"] as JsonObject;

export const dataExtraction: TaskTemplate = {
  name: "data_extraction",
  description: "Takes every record that fits a schema out of files",
  fields: [
    {
      name: "source_paths",
      type: "list",
      required: true,
      description: "Where the data is",
      example: ["example.py"],
    },
    {
      name: "extract_schema",
      type: "schema",
      required: true,
      description: "JSON Schema of one record",
      example: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
    },
    {
      name: "source_description",
      type: "text",
      required: false,
      description: "What the sources are",
      default: "",
    },
    {
      name: "output_format",
      type: "choice",
      required: false,
      description: "How the records come",
      options: ["json", "csv", "markdown_table"],
      default: "json",
    },
    { name: "filters", type: "text", required: false, description: "Which records count", default: "" },
  ],
  parts: (values) => {
    const filters = textIn(values, "filters");
    const form = textIn(values, "output_format");
    return {
      role: "You extract data exactly as it stands and add nothing of your own.",
      task: [
        "Extract every record that fits the schema.",
        ...titled("Sources:", listIn(values, "source_paths")),
        ...(form === "json"
          ? []
          : [`Schema of one record:\n${JSON.stringify(recordOf(values), undefined, 2)}`]),
      ],
      context: textIn(values, "source_description"),
      constraints: [
        ...(filters === "" ? [] : [`Take only records for which this holds: ${filters}`]),
        "Go through all of the data: do not sample, do not stop early.",
        "A value that is missing is null; do not guess it.",
        "Keep spellings and units as they stand.",
      ],
      format: FORMS[form] ?? "",
    };
  },
  schema: (values) =>
    textIn(values, "output_format") === "json"
      ? listOf(withNulls(recordOf(values)))
      : objectOf({ rows: { type: "integer", minimum: 0 }, text: STRING }),
};

/** A value that the source lacks is null, whatever its type is when it is there. */
function withNulls(record: JsonObject): JsonObject {
  const { properties } = record;
  if (typeof properties !== "object" || properties === null) return record;
  const loose = Object.entries(properties as Readonly<Record<string, unknown>>).map(([name, property]) => [
    name,
    { anyOf: [property, { type: "null" }] },
  ]);
  return { ...record, properties: Object.fromEntries(loose) as JsonObject };
}
