/** A node is on another chain than the others; nothing of it is used. */
export class WrongChainError extends Error {
  /** Name of the class. */
  override readonly name = "WrongChainError";
  /** `genesis_validators_root` of the chain that is listened to. */
  readonly expectedRoot: string;
  /** The one that the node has. */
  readonly actualRoot: string;

  /**
   * Creates an instance.
   *
   * @param node Name of the node.
   * @param expectedRoot Root of the chain that is listened to.
   * @param actualRoot Root of the node's chain.
   */
  constructor(node: string, expectedRoot: string, actualRoot: string) {
    super(
      `Cannot listen to ${node}: its genesis_validators_root is ${actualRoot}, that of the others is ${expectedRoot}`,
    );
    this.expectedRoot = expectedRoot;
    this.actualRoot = actualRoot;
  }
}
