import { read } from "node:fs";

/**
 * What stands on a descriptor, in pieces, until it ends. Rejects with what the system says.
 *
 * Not through `process.stdin`: making a stream of it takes as long as a decision. A read that is
 * under way cannot be called off; it keeps the process until somebody writes or closes.
 */
export async function* piecesOf(descriptor: number): AsyncGenerator<Uint8Array> {
  for (;;) {
    const piece = Buffer.allocUnsafe(65_536);
    const length = await readInto(descriptor, piece);
    if (length === 0) return;
    if (length !== undefined) yield piece.subarray(0, length);
    // A pipe that somebody else made non-blocking, and nothing is in it yet.
    else await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** How many bytes there were, none at the end; undefined where one has to wait. */
async function readInto(descriptor: number, piece: Uint8Array): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    read(descriptor, piece, 0, piece.length, null, (error, length) => {
      if (error === null) resolve(length);
      else if (error.code === "EAGAIN") resolve(undefined);
      else reject(error);
    });
  });
}
