/** An SMTP server that takes everything and keeps nothing, as a process of its own: the far side of the benchmarks. */
/** The last bytes of the message a connection is in the middle of; undefined between messages. */
const tails = new Map<object, Buffer | undefined>();
const finalDot = Buffer.from("\r\n.\r\n");
let taken = 0;

const server = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      tails.set(socket, undefined);
      socket.write("220 sink ESMTP\r\n");
    },
    close: (socket) => void tails.delete(socket),
    data(socket, bytes) {
      let commands = bytes;
      let replies = "";
      const tail = tails.get(socket);
      if (tail !== undefined) {
        const all = tail.length === 0 ? bytes : Buffer.concat([tail, bytes]); // the final dot may come in pieces
        const end = all.indexOf(finalDot, Math.max(0, all.length - bytes.length - finalDot.length));
        tails.set(socket, end < 0 ? Buffer.from(all.subarray(-(finalDot.length - 1))) : undefined);
        if (end < 0) return;
        taken++;
        replies = "250 2.0.0 taken\r\n";
        commands = all.subarray(end + finalDot.length); // Postfix says QUIT in the same breath
      }
      for (const line of commands.toString("latin1").split("\r\n")) {
        if (line !== "") replies += replyTo(socket, line);
      }
      socket.write(replies);
    },
  },
});

function replyTo(socket: object, line: string): string {
  switch (line.slice(0, 4).toUpperCase()) {
    case "EHLO":
      return "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n";
    case "QUIT":
      return "221 2.0.0 bye\r\n";
    case "DATA":
      tails.set(socket, Buffer.alloc(0));
      return "354 go on\r\n";
    default:
      return "250 2.0.0 ok\r\n";
  }
}

process.stdout.write(`${server.port}\n`);
process.on("SIGTERM", () => {
  process.stdout.write(`taken ${taken}\n`);
  process.exit(0);
});
