/** Why a simulation could not go on, which is no error of the script. */
export class SimulationFault extends Error {
  override readonly name = "SimulationFault";
  readonly kind: "error" | "stuck" | "limit" | "invariant";

  constructor(
    kind: "error" | "stuck" | "limit" | "invariant",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.kind = kind;
  }
}
