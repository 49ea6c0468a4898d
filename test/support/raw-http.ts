import { connect } from "node:net";

export interface RawAnswer {
  status: number;
  type: string | undefined;
  body: string;
}

/** Sends bytes as they are and reads one answer: `fetch` would mend most of what is wrong with some requests. */
export function sendRaw(port: number, bytes: string): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
    socket.on("error", reject);
    socket.on("close", () => {
      const [head = "", body = ""] = Buffer.concat(chunks).toString().split("\r\n\r\n", 2);
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
      resolve({ status, type: /^content-type: (.*)$/im.exec(head)?.[1], body });
    });
  });
}
