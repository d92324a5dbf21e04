import { payloadBytes, type Keep, type KeeperFor } from "@fedclair/core/internal";
import { TensorFile } from "../store/tensor-file.js";

/** Bytes of clients' own params in memory. They are read once a round, at about a GB per second. */
const maxBytesInMemory = 2 ** 24;

/**
 * Keeps tensors in memory up to a limit, and the rest in an unnamed file, a new one for each call.
 * The file's space is free once all its tensors have been replaced.
 * @param folder where the file is
 */
export function keepOnDisk(folder: string, maxBytes = maxBytesInMemory): KeeperFor {
  return (bytesInMemory): Keep => {
    let bytes = bytesInMemory;
    let file: TensorFile | undefined;
    return async (tensor) => {
      const own = payloadBytes([tensor]);
      if (bytes + own <= maxBytes) {
        bytes += own;
        return tensor;
      }
      file ??= await TensorFile.create(folder);
      return await file.storeTensor(tensor);
    };
  };
}
