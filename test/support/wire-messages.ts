/** Messages of MongoDB's wire protocol: OP_MSG, and the OP_QUERY and OP_REPLY of a handshake. */
import { BSON, type Document } from "mongodb";

const opReply = 1;
const opQuery = 2004;
const opMsg = 2013;
/** Flags of OP_MSG. */
const moreToCome = 1 << 1;
const exhaustAllowed = 1 << 16;
const headerLength = 16;

/** One request: its command, and the raw message to pass on. */
export interface Request {
  id: number;
  command: Document;
  /** The command's name. */
  name: string;
  isQuery: boolean;
  /** The client accepts a stream of answers. */
  isStream: boolean;
  bytes: Buffer;
}

let lastId = 1 << 20;

/** Collects chunks, and passes on whole messages. */
export function framed(receive: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
      const message = rest.subarray(0, rest.readInt32LE(0));
      rest = rest.subarray(message.length);
      receive(message);
    }
  };
}

export function readRequest(bytes: Buffer): Request {
  const isQuery = bytes.readInt32LE(12) === opQuery;
  const at = isQuery ? bytes.indexOf(0, headerLength + 4) + 9 : headerLength + 5;
  const command = BSON.deserialize(bytes.subarray(at, at + bytes.readInt32LE(at)));
  return {
    id: bytes.readInt32LE(4),
    command,
    name: Object.keys(command)[0]!,
    isQuery,
    isStream: !isQuery && (bytes.readUInt32LE(headerLength) & exhaustAllowed) !== 0,
    bytes,
  };
}

/** The document of an answer, with the types of its numbers. */
export function readAnswer(bytes: Buffer): Document {
  const at = bytes.readInt32LE(12) === opReply ? headerLength + 20 : headerLength + 5;
  return BSON.deserialize(bytes.subarray(at, at + bytes.readInt32LE(at)), { promoteValues: false });
}

/** An answer to a request, or with `isMoreToCome` one of a stream of answers. */
export function answer({ id, isQuery }: Request, document: Document, isMoreToCome = false): Buffer {
  const body = BSON.serialize(document);
  const fixed = Buffer.alloc(headerLength + (isQuery ? 20 : 5));
  fixed.writeInt32LE(fixed.length + body.length, 0);
  fixed.writeInt32LE(lastId++, 4);
  fixed.writeInt32LE(id, 8);
  fixed.writeInt32LE(isQuery ? opReply : opMsg, 12);
  if (isQuery) fixed.writeInt32LE(1, headerLength + 16);
  else fixed.writeUInt32LE(isMoreToCome ? moreToCome : 0, headerLength);
  return Buffer.concat([fixed, body]);
}

/** The same message in answer to another request. */
export function readdressed(bytes: Buffer, { id }: Request): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeInt32LE(id, 8);
  return copy;
}
