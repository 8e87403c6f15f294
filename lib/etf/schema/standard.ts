/** A schema as the Standard Schema specification (version 1, standardschema.dev) wants it: what zod, valibot, arktype and ours have in common. */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What the specification asks for. */
  readonly "~standard": StandardProps<Input, Output>;
}

/** What stands under `~standard`. */
export interface StandardProps<Input = unknown, Output = Input> {
  /** The version of the specification. */
  readonly version: 1;
  /** Whose schema it is. */
  readonly vendor: string;
  /** Checks and converts a value. */
  readonly validate: (
    value: unknown,
  ) => StandardResult<Output> | Promise<StandardResult<Output>>;
  /** For the compiler only. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/** What `validate` gives: the value, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong with a value. */
export interface StandardIssue {
  /** In words. */
  readonly message: string;
  /** The keys that lead there. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a Standard Schema takes. */
export type StandardInput<S extends StandardSchema> = NonNullable<
  S["~standard"]["types"]
>["input"];

/** What a Standard Schema gives. */
export type StandardOutput<S extends StandardSchema> = NonNullable<
  S["~standard"]["types"]
>["output"];
