/** Why a connection may not go on: the node is on another chain, or the listener is. */

/** A node is on another chain than the listener; nothing of it is used. */
export class WrongChainError extends Error {
  /** Name of the class. */
  override readonly name = "WrongChainError";
  /** `genesis_validators_root` of the listener's chain. */
  readonly expectedRoot: string;
  /** The one that the node reports. */
  readonly actualRoot: string;

  /**
   * Only the listener makes one.
   *
   * @ignore
   */
  constructor(node: string, expected: Genesis, actual: Genesis) {
    super(
      expected.root === actual.root
        ? `Cannot listen to ${node}: its genesis is at ${
          at(actual)
        }, that of the listener's chain at ${at(expected)}`
        : `Cannot listen to ${node}: its genesis_validators_root is ${actual.root}, that of the listener's chain is ${expected.root}`,
    );
    this.expectedRoot = expected.root;
    this.actualRoot = actual.root;
  }
}

/** The listener follows another chain now, so that each connection begins again. */
export class ChainChangedError extends Error {
  override readonly name = "ChainChangedError";
}

/** What identifies a chain: development chains share the root. */
export interface Genesis {
  root: string;
  /** Unix time of slot 0, in milliseconds. */
  time: number;
}

function at({ time }: Genesis): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? `${time} ms` : date.toISOString();
}
