/**
 * What evaluation throws. Not an `Error`: an erroring policy is an everyday answer, and capturing a stack for it
 * costs more than the evaluation. It never leaves the package; `authorize` turns it into data.
 *
 * @module
 */

export class EvaluationFailure {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}
