/** An SMTP server that takes everything and keeps nothing, as a process of its own: the far side of the benchmarks. */
/** The last bytes of the message a connection is in the middle of; undefined between messages. */
const tails = new Map<object, string | undefined>();
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
      const text = bytes.toString("latin1");
      const tail = tails.get(socket);
      if (tail !== undefined) {
        const end = (tail + text).slice(-5); // the final dot may come in pieces
        tails.set(socket, end);
        if (end !== "\r\n.\r\n") return;
        tails.set(socket, undefined);
        taken++;
        socket.write("250 2.0.0 taken\r\n");
        return;
      }
      const replies = text
        .split("\r\n")
        .filter(Boolean)
        .map((line) => {
          const command = line.slice(0, 4).toUpperCase();
          if (command === "EHLO") return "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n";
          if (command === "QUIT") return "221 2.0.0 bye\r\n";
          if (command !== "DATA") return "250 2.0.0 ok\r\n";
          tails.set(socket, "");
          return "354 go on\r\n";
        });
      socket.write(replies.join(""));
    },
  },
});

process.stdout.write(`${server.port}\n`);
process.on("SIGTERM", () => {
  process.stdout.write(`taken ${taken}\n`);
  process.exit(0);
});
