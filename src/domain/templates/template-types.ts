/** A JSON object: the JSON Schema of what a template's answer looks like, or one that is given to it. */
export type JsonObject = { readonly [key: string]: unknown };
export type TemplateValue = string | number | readonly string[] | JsonObject;
/** By the name of the field; what is not given and has no default is absent. */
export type TemplateValues = Readonly<Record<string, TemplateValue>>;

export type TemplateField = {
  readonly name: string;
  readonly description: string;
  /** A list is also read from text with commas; a schema is a JSON Schema. */
  readonly type: "text" | "list" | "number" | "choice" | "schema";
  readonly required: boolean;
  readonly default?: TemplateValue;
  /** Of a choice. */
  readonly options?: readonly string[];
  /** What a preview shows where nothing is given for a required field. */
  readonly example?: TemplateValue;
};

/** What one worker is told, part by part. Each entry of a list is one point. */
export type TemplateParts = {
  /** Who it is, in a sentence. */
  readonly role: string;
  /** One deliverable: a sentence, and what it is about. */
  readonly task: readonly string[];
  readonly context?: string;
  readonly constraints: readonly string[];
  /** A sentence about the JSON, whose schema stands below it. */
  readonly format: string;
};

export type TaskTemplate = {
  readonly name: string;
  readonly description: string;
  readonly fields: readonly TemplateField[];
  /** Pure: values in, words out. The values are complete. */
  readonly parts: (values: TemplateValues) => TemplateParts;
  /** JSON Schema of the answer. */
  readonly schema: (values: TemplateValues) => JsonObject;
};
