/** Why a simulation could not go on, which is no error of the script. */
export class SimulationFault extends Error {
  override readonly name = "SimulationFault";
  readonly kind: "stuck" | "limit" | "invariant";

  constructor(kind: "stuck" | "limit" | "invariant", message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
